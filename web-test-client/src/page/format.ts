const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `1536` → `1.5 KB`. */
export function bytes(size: number): string {
  const power = size < 1 ? 0 : Math.min(Math.floor(Math.log(size) / Math.log(1024)), UNITS.length - 1);
  const value = size / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${UNITS[power]}`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** `3 minutes ago`. */
export function ago(instant: string, now = Date.now()): string {
  const seconds = Math.round((now - Date.parse(instant)) / 1000);
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return relative.format(-Math.round(seconds / length), unit);
  }
  return 'just now';
}

/** `in 15 minutes`; short times in seconds. Never too early. */
export function inSeconds(seconds: number): string {
  if (seconds < 90) return relative.format(Math.max(Math.ceil(seconds), 1), 'second');
  if (seconds < 5400) return relative.format(Math.ceil(seconds / 60), 'minute');
  return relative.format(Math.ceil(seconds / 3600), 'hour');
}

/** The whole instant, for tooltips. */
export const exactly = (instant: string) =>
  new Date(instant).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'medium' });

/** To the minute, for sentences. */
export const until = (instant: string) =>
  new Date(instant).toLocaleString('en', { dateStyle: 'long', timeStyle: 'short' });

export const plural = (count: number, one: string, many = `${one}s`) =>
  `${count} ${count === 1 ? one : many}`;
