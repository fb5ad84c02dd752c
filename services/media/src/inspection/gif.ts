import type { Redaction } from '../db/schema.ts';
import { assertFrames, assertPixels, type Inspector, overwrite } from './findings.ts';
import { Malformed, type Reader } from './reader.ts';

const [IMAGE, EXTENSION, TRAILER] = [0x2c, 0x21, 0x3b] as const;
const [COMMENT, APPLICATION] = [0xfe, 0xff] as const;
const KEPT_APPLICATIONS = new Set(['NETSCAPE2.0', 'ANIMEXTS1.0', 'ICCRGBG1012']);

const tableBytes = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** GIF89a: blocks from the screen descriptor to the trailer. */
export const inspectGif: Inspector = async (reader, limits) => {
  const screen = await reader.bytes(6, 7);
  const [width, height] = [screen.readUInt16LE(0), screen.readUInt16LE(2)];
  if (width === 0 || height === 0) throw new Malformed('has no size');
  assertPixels(width, height, limits);
  const redactions: Redaction[] = [];
  let frames = 0;
  let at = 13 + tableBytes(screen[4] ?? 0);
  for (;;) {
    const [block] = await reader.bytes(at, 1);
    if (block === TRAILER) break;
    if (block === IMAGE) {
      assertFrames(++frames, limits);
      const frame = await reader.bytes(at, 10);
      assertPixels(frame.readUInt16LE(5), frame.readUInt16LE(7), limits);
      at = await skipBlocks(reader, at + 10 + tableBytes(frame[9] ?? 0) + 1);
    } else if (block === EXTENSION) {
      const [label = 0] = await reader.bytes(at + 1, 1);
      const end = await skipBlocks(reader, at + 2);
      if (label === COMMENT) redactions.push(...hide(at + 2, end));
      else if (label === APPLICATION && !KEPT_APPLICATIONS.has(await applicationOf(reader, at + 2))) {
        redactions.push(overwrite(at + 3, 11, 'NOTHING0000'), ...hide(at + 14, end));
      }
      at = end;
    } else throw new Malformed('has a block that is none');
  }
  if (frames === 0) throw new Malformed('holds no picture');
  return { width, height, redactions, end: at + 1 };
};

/** Where the sub-blocks from `at` on end, their terminator included. */
async function skipBlocks(reader: Reader, from: number): Promise<number> {
  for (let at = from; ; ) {
    const [length = 0] = await reader.bytes(at, 1);
    at += 1 + length;
    if (length === 0) return at;
  }
}

async function applicationOf(reader: Reader, at: number): Promise<string> {
  const head = await reader.bytes(at, 12);
  if (head[0] !== 11) throw new Malformed('has an application block of another size');
  return head.toString('latin1', 1);
}

/** Sub-blocks of zeros, up to the terminator at `end`: XMP is not in sub-blocks, so that lengths are made anew. */
function hide(from: number, end: number): Redaction[] {
  const redactions: Redaction[] = [];
  const terminator = end - 1;
  for (let at = from; at < terminator; ) {
    const length = Math.min(255, terminator - at - 1);
    // A length of 0 would end it early: a byte that is left over makes the block before it shorter.
    const fitting = terminator - at - 1 - length === 1 ? length - 1 : length;
    redactions.push(overwrite(at, fitting + 1, new Uint8Array([fitting])));
    at += fitting + 1;
  }
  return redactions;
}
