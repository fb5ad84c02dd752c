import { Problem } from '@tertulia/shared/http/problem';
import { UPLOADS } from './tus.ts';

/** What `Upload-Concat` says an upload is: a part, or the whole made of parts (their ids, in order). */
export type Concat = { kind: 'partial' } | { kind: 'final'; parts: string[] };

/** What the bound on all headers of a request leaves room for comes before this. */
const MOST_PARTS = 1000;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws {Problem} `malformed_request` */
export function parseConcat(header: string | undefined): Concat | undefined {
  if (header === undefined) return undefined;
  // MUST: `partial` for a partial upload.
  if (header === 'partial') return { kind: 'partial' };
  // MUST: `final`, a semicolon and a space-separated list of URLs for a final one.
  const list = /^final;\s*(\S.*)$/.exec(header)?.[1];
  if (list === undefined) throw malformed('is neither `partial` nor `final;` with a list');
  const urls = list.trim().split(/ +/);
  if (urls.length > MOST_PARTS) throw malformed(`names more than ${MOST_PARTS} uploads`);
  const parts = urls.map(idOf);
  if (new Set(parts).size < parts.length) throw malformed('names an upload twice');
  return { kind: 'final', parts };
}

/** MAY: URLs are absolute or relative. The host is whatever the client reaches us by, so it tells nothing. */
function idOf(url: string): string {
  const base = `http://base${UPLOADS}/`;
  const path = URL.canParse(url, base) ? new URL(url, base).pathname : '';
  const id = path.slice(UPLOADS.length + 1);
  if (!path.startsWith(`${UPLOADS}/`) || !ID.test(id)) throw malformed('names what is no upload');
  return id;
}

const malformed = (what: string) => new Problem('malformed_request', `Upload-Concat ${what}.`);
