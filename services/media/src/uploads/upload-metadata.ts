import { Problem } from '@tertulia/shared/http/problem';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** The server's own bound on all headers is not much above. */
const MAX_LENGTH = 12_288;

/**
 * `Upload-Metadata` as key → value. Strict about the form, as the protocol is; keys that this service has no
 * use for are kept for HEAD and otherwise ignored, since clients send their own.
 *
 * @throws {Problem} `malformed_request`
 */
export function parseMetadata(header: string | undefined): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  if (header === undefined || header.trim() === '') return values;
  if (header.length > MAX_LENGTH) throw malformed('is too long');
  for (const pair of header.split(',')) {
    const [key = '', encoded = '', ...rest] = pair.trim().split(' ');
    // MUST: one or more comma-separated key-value pairs, key and value separated by a space.
    if (rest.length > 0) throw malformed('has a pair of more than two parts');
    // MUST: keys are not empty, ASCII without spaces and commas, and unique.
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw malformed('has a key that is not ASCII');
    if (key in values) throw malformed('has a key twice');
    // MUST: the value is Base64. It MAY be empty, without the space.
    if (!BASE64.test(encoded)) throw malformed('has a value that is not Base64');
    values[key] = decode(encoded);
  }
  return values;
}

function decode(encoded: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    throw malformed('has a value that is not UTF-8');
  }
}

const malformed = (what: string) => new Problem('malformed_request', `Upload-Metadata ${what}.`);
