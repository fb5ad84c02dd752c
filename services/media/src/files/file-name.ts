/** Control characters, and those that reorder or hide text around them. */
const UNWANTED = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd]/gu;
const MAX_LENGTH = 200;
const MAX_EXTENSION = 16;

/** A name without path, control characters or bidi overrides; never empty, at most 200 code points. */
export function cleanFilename(given: string | undefined): string {
  const base = (given ?? '').slice(-4096).split(/[\\/]/).at(-1) ?? '';
  const name = base.normalize('NFC').replace(UNWANTED, '').trim();
  if (name === '' || /^\.+$/.test(name)) return 'file';
  const points = [...name];
  if (points.length <= MAX_LENGTH) return name;
  const { stem, extension } = splitExtension(name);
  return [...stem].slice(0, MAX_LENGTH - extension.length).join('') + extension;
}

/** What a file is called when nobody gave it a title. */
export function titleOf(filename: string): string {
  return splitExtension(filename).stem.trim() || filename;
}

function splitExtension(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.');
  if (dot <= 0 || name.length - dot > MAX_EXTENSION) return { stem: name, extension: '' };
  return { stem: name.slice(0, dot), extension: name.slice(dot) };
}
