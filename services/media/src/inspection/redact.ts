import type { Bytes } from '@tertulia/shared/storage/byte-source';
import type { Redaction } from '../db/schema.ts';

/** Writes redactions over `bytes`, which begin at `at` of the file; `sorted` are in order and apart. */
export function applyRedactions(bytes: Uint8Array, at: number, sorted: readonly Redaction[]): void {
  const end = at + bytes.length;
  for (let index = firstAfter(sorted, at); index < sorted.length; index++) {
    const redaction = sorted[index];
    if (redaction === undefined || redaction.at >= end) return;
    const from = Math.max(redaction.at, at);
    bytes.fill(0, from - at, Math.min(redaction.at + redaction.length, end) - at);
    const prefix = Buffer.from(redaction.bytes, 'base64').subarray(from - redaction.at, end - redaction.at);
    bytes.set(prefix, from - at);
  }
}

/** The first that ends after `at`. */
function firstAfter(sorted: readonly Redaction[], at: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const redaction = sorted[middle];
    if (redaction !== undefined && redaction.at + redaction.length <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Bytes from `at` on as others than the owner get them. */
export function redactedStream(
  stream: ReadableStream<Uint8Array>,
  at: number,
  sorted: readonly Redaction[],
): ReadableStream<Uint8Array> {
  let place = at;
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(part, controller) {
        applyRedactions(part, place, sorted);
        place += part.length;
        controller.enqueue(part);
      },
    }),
  );
}

/** SHA-256, in hex, of a file as others than the owner get it. Reads all of it, once. */
export async function redactedSha256(file: Bytes, sorted: readonly Redaction[]): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  let at = 0;
  for await (const part of file.stream()) {
    applyRedactions(part, at, sorted);
    hasher.update(part);
    at += part.length;
  }
  return hasher.digest('hex');
}
