import type { BlobBody, ByteRange } from '@tertulia/shared/storage/blob-store';
import type { Redaction } from '../db/schema.ts';

/** Those of them that show in a range. */
export function redactionsIn({ start, end }: ByteRange, redactions: readonly Redaction[]): Redaction[] {
  return redactions.filter(({ at, length }) => at <= end && at + length > start);
}

/**
 * The bytes with what is to be hidden written over, part by part as they pass: no more of them is held than
 * one part. `start` is where in the whole they begin.
 */
export function overlay(
  body: BlobBody,
  start: number,
  redactions: readonly Redaction[],
): ReadableStream<Uint8Array> {
  const edits = redactions.map(({ at, length, bytes }) => ({
    at,
    end: at + length,
    bytes: Buffer.from(bytes, 'base64').subarray(0, length),
  }));
  let position = start;
  const source = body instanceof Blob ? body.stream() : body;
  return source.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(part, controller) {
        const from = position;
        position += part.length;
        const hit = edits.filter(({ at, end }) => at < position && end > from);
        if (hit.length === 0) return controller.enqueue(part);
        const copy = part.slice();
        for (const { at, end, bytes } of hit) {
          const [first, last] = [Math.max(at, from), Math.min(end, position)];
          copy.fill(0, first - from, last - from);
          copy.set(bytes.subarray(first - at, last - at), first - from);
        }
        controller.enqueue(copy);
      },
    }),
  );
}
