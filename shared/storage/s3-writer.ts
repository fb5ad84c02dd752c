import { open, rm } from 'node:fs/promises';
import { onDisk, writeAll } from './disk.ts';
import type { Bucket } from './s3-client.ts';
import { type Multipart, type Part, uploadPart } from './s3-multipart.ts';
import { putObject, removeObject } from './s3-objects.ts';
import type { UploadWriter } from './upload-store.ts';

type Start = {
  bucket: Bucket;
  multipart: Multipart;
  partSize: number;
  /** Bytes in parts, and the number of the last of them. */
  base: number;
  number: number;
  /** What lies beyond, in an object of its own. */
  tail: Uint8Array;
  /** The object for bytes that make no part yet, by the offset at which they begin. */
  tailAt(offset: number): string;
  /** Told of each part that is stored. */
  stored(part: Part): void;
};

/**
 * Sends parts while the next one fills, so it holds two parts in memory at most, and one for small files. What
 * makes no part when it closes becomes an object named by its offset: parts that come later leave it behind
 * rather than count it twice, wherever a process is killed.
 */
export function s3Writer(start: Start): UploadWriter {
  const { bucket, multipart, partSize, tail, tailAt, stored } = start;
  let { base, number } = start;
  let buffer: Uint8Array | undefined;
  let spare: Uint8Array | undefined;
  let filled = tail.length;
  let sending = Promise.resolve();

  function fresh(): Uint8Array {
    const made = spare ?? Buffer.allocUnsafe(partSize);
    spare = undefined;
    return made;
  }

  async function send(body: Uint8Array): Promise<void> {
    await sending;
    number += 1;
    sending = transmit(number, body);
    // Whoever waits for it next is told.
    sending.catch(() => {});
    buffer = undefined;
    filled = 0;
  }

  async function transmit(at: number, body: Uint8Array): Promise<void> {
    stored(await uploadPart(bucket, multipart, at, body));
    base += body.length;
    spare = body;
  }

  return {
    async write(bytes) {
      for (let from = 0; from < bytes.length; ) {
        if (buffer === undefined) {
          buffer = fresh();
          if (filled > 0) buffer.set(tail);
        }
        const part = bytes.subarray(from, from + partSize - filled);
        buffer.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled === partSize) await send(buffer);
      }
    },
    async close() {
      // Throws what a part's sending threw: all of it is asked for again.
      await sending;
      if (buffer !== undefined && filled > 0) {
        await putObject(bucket, tailAt(base), buffer.subarray(0, filled));
      }
      if (tail.length > 0 && base !== start.base) {
        // It counts no more; should this fail it goes with the upload.
        await removeObject(bucket, tailAt(start.base)).catch(() => {});
      }
      return base + filled;
    },
    async drop() {
      throw new Error('only tentative writers take back what they wrote');
    },
  };
}

/**
 * A tentative writer: bytes wait in a file, since S3 takes no part back, and go to a writer as it closes.
 */
export async function spooledWriter(
  path: string,
  partSize: number,
  writer: () => Promise<UploadWriter>,
): Promise<UploadWriter> {
  const spool = await onDisk(() => open(path, 'wx+', 0o600));
  const end = async () => {
    await spool.close();
    await rm(path, { force: true });
  };
  return {
    write: (bytes) => onDisk(() => writeAll(spool, bytes)),
    async close() {
      try {
        const target = await writer();
        const buffer = Buffer.allocUnsafe(partSize);
        for (let at = 0; ; ) {
          const { bytesRead } = await spool.read(buffer, 0, partSize, at);
          if (bytesRead === 0) return await target.close();
          await target.write(buffer.subarray(0, bytesRead));
          at += bytesRead;
        }
      } finally {
        await end();
      }
    },
    drop: end,
  };
}
