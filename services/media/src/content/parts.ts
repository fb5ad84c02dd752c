import type { BlobBody } from '@tertulia/shared/storage/blob-store';

const PART = 128 * 1024;

/**
 * The bytes, read as they are asked for. Bun's own stream of a file holds two megabytes for a reader who takes
 * none; this holds one part.
 */
export function partsOf(body: BlobBody): ReadableStream<Uint8Array> {
  if (!(body instanceof Blob)) return body;
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const part = await body.slice(at, at + PART).bytes();
        at += part.length;
        // Also when the file ends before it should: then the connection ends early, and the client knows.
        if (part.length === 0) controller.close();
        else controller.enqueue(part);
      },
    },
    { highWaterMark: 0 },
  );
}
