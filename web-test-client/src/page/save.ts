import { h } from './dom.ts';

/** Has the browser keep these bytes as a file. */
export function save(content: Blob, filename: string): void {
  const url = URL.createObjectURL(content);
  const link = h('a', { href: url, download: filename });
  link.click();
  // Not at once: some browsers read it a moment later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
