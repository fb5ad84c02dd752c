const BROWSERS: [RegExp, string][] = [
  [/Edg(?:e|A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/SamsungBrowser\//, 'Samsung Internet'],
  [/(?:Firefox|FxiOS)\//, 'Firefox'],
  [/(?:HeadlessChrome|Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/Version\/\S+.* Safari\//, 'Safari'],
  [/^Dart\//, 'Flutter app'],
  [/^(curl|Bun|node|python-requests|okhttp|Wget)\b/i, '$1'],
];

const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPod/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/CrOS/, 'ChromeOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/Linux|X11/, 'Linux'],
];

/** `Firefox on Windows`, from what a browser says of itself; the words themselves where they say neither. */
export function deviceOf(userAgent: string | null): string {
  if (userAgent === null || userAgent === '') return 'Unknown device';
  const browser = find(BROWSERS, userAgent);
  const system = find(SYSTEMS, userAgent);
  if (browser === undefined) return system ?? userAgent.slice(0, 60);
  return system === undefined ? browser : `${browser} on ${system}`;
}

function find(table: [RegExp, string][], text: string): string | undefined {
  for (const [pattern, name] of table) {
    const found = pattern.exec(text);
    if (found !== null) return name.replace('$1', found[1] ?? '');
  }
  return undefined;
}
