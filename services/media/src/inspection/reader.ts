import type { ByteSource } from '@tertulia/shared/storage/byte-source';

/** The bytes contradict themselves, or end too early. */
export class Malformed extends Error {
  override name = 'Malformed';
}

/** The file is what it says, and more of it than is taken. */
export class TooMuch extends Error {
  override name = 'TooMuch';
}

/**
 * Reads a file here and there through one small window, whatever its size. Counts its steps, so that no file
 * is walked for ever.
 */
export type Reader = {
  readonly size: number;
  /** Exactly so many, valid until the next call. @throws {Malformed} beyond the end, {@link TooMuch} */
  bytes(at: number, length: number): Promise<Buffer>;
  /** As many as there are, at most `length`. */
  upTo(at: number, length: number): Promise<Buffer>;
  /** A part, as if it were a file of its own; it counts with the whole. */
  part(at: number, length: number): Reader;
};

const MAX_STEPS = 4_000_000;
const NEAR = 64 * 1024;
/** After a jump: most often a header is looked at, and then the next one, far away. */
const FAR = 4096;
/** Most that is looked at in one piece. */
export const MAX_PIECE = 1024 * 1024;

export function openReader(source: ByteSource): Reader {
  let window: Buffer = Buffer.alloc(0);
  let start = 0;
  let steps = 0;

  async function load(at: number, length: number): Promise<Buffer> {
    const ahead = at >= start && at <= start + window.length + FAR ? NEAR : FAR;
    const end = Math.min(source.size, at + Math.max(length, ahead));
    const found = await source.slice(at, end).bytes();
    // Shorter than asked for: somebody has cut the file meanwhile.
    if (found.length < end - at) throw new Malformed('ends early');
    window = Buffer.from(found.buffer, found.byteOffset, found.byteLength);
    start = at;
    return window.subarray(0, length);
  }

  function partOf(from: number, size: number): Reader {
    async function bytes(at: number, length: number): Promise<Buffer> {
      if (++steps > MAX_STEPS) throw new TooMuch('has too many parts');
      if (length > MAX_PIECE) throw new TooMuch('has a part that is too large');
      if (at < 0 || length < 0 || at + length > size) throw new Malformed('ends early');
      const begin = from + at - start;
      if (begin >= 0 && begin + length <= window.length) return window.subarray(begin, begin + length);
      return load(from + at, length);
    }
    return {
      size,
      bytes,
      upTo: (at, length) => bytes(at, Math.max(0, Math.min(length, size - at))),
      part(at, length) {
        if (at < 0 || length < 0 || at + length > size) throw new Malformed('ends early');
        return partOf(from + at, length);
      },
    };
  }

  return partOf(0, source.size);
}
