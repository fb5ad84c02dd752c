import { Problem } from '@tertulia/shared/http/problem';

/** MUST: names are lower-case ASCII; `sha1` is among them. */
const DIGEST_BYTES = { sha1: 20, sha256: 32 } as const;

export type ChecksumAlgorithm = keyof typeof DIGEST_BYTES;
/** What a body is said to hash to. */
export type Checksum = { algorithm: ChecksumAlgorithm; digest: Buffer };

/** For `Tus-Checksum-Algorithm`. */
export const CHECKSUM_ALGORITHMS = Object.keys(DIGEST_BYTES).join(',');

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Parses `Upload-Checksum`. @throws {Problem} `malformed_request` */
export function parseChecksum(header: string | undefined): Checksum | undefined {
  if (header === undefined) return undefined;
  // MUST: name and Base64 checksum, separated by a space.
  const [algorithm = '', encoded = '', ...rest] = header.split(' ');
  // MUST: 400 for an algorithm that is not supported.
  if (!isAlgorithm(algorithm)) {
    throw new Problem('malformed_request', `Upload-Checksum takes ${CHECKSUM_ALGORITHMS}.`);
  }
  const digest = Buffer.from(encoded, 'base64');
  if (rest.length > 0 || !BASE64.test(encoded) || digest.length !== DIGEST_BYTES[algorithm]) {
    throw new Problem('malformed_request', `Upload-Checksum is no Base64 of a ${algorithm} digest.`);
  }
  return { algorithm, digest };
}

const isAlgorithm = (name: string): name is ChecksumAlgorithm => Object.hasOwn(DIGEST_BYTES, name);

/** A body's hash as it comes in; `update` for each part of it, then `matches`. */
export function hashFor({ algorithm, digest }: Checksum) {
  const hasher = new Bun.CryptoHasher(algorithm);
  return {
    update: (part: Uint8Array) => void hasher.update(part),
    matches: () => hasher.digest().equals(digest),
  };
}
