import { crc32 } from 'node:zlib';
import type { Redaction } from '../db/schema.ts';
import { orientationOf, remainsOf } from './exif.ts';
import { assertFrames, assertPixels, type Inspector, overwrite, turned } from './findings.ts';
import { Malformed } from './reader.ts';

/** What shows the picture: colours, transparency, size on paper, animation. Other chunks are hidden. */
const KEPT = new Set(
  (
    'IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT oFFs pCAL sCAL sTER ' +
    'acTL fcTL fdAT iDOT'
  ).split(' '),
);
/** A chunk that nobody knows: ancillary, private, safe to copy. */
const NOTHING = 'vOId';
const ZEROS = new Uint8Array(64 * 1024);

/** PNG (third edition), 5: chunks from IHDR to IEND. */
export const inspectPng: Inspector = async (reader, limits) => {
  const redactions: Redaction[] = [];
  let size: { width: number; height: number } | undefined;
  let orientation = 1;
  let frames = 0;
  let pixels = false;
  for (let at = 8; ; ) {
    const head = await reader.bytes(at, 8);
    const length = head.readUInt32BE();
    const type = head.toString('latin1', 4, 8);
    const body = at + 8;
    const end = body + length + 4;
    if (!/^[A-Za-z]{4}$/.test(type) || length > 2 ** 31 - 1) throw new Malformed('has a chunk that is none');
    if (end > reader.size) throw new Malformed('has a chunk that is cut');
    if ((size === undefined) !== (type === 'IHDR')) throw new Malformed('has no header where it belongs');
    if (type === 'IHDR') {
      const header = await reader.bytes(at + 4, 21);
      if (length !== 13 || crc32(header.subarray(0, 17)) !== header.readUInt32BE(17)) {
        throw new Malformed('has a broken header');
      }
      size = { width: header.readUInt32BE(4), height: header.readUInt32BE(8) };
      if (size.width === 0 || size.height === 0) throw new Malformed('has no size');
      assertPixels(size.width, size.height, limits);
    } else if (type === 'IDAT') {
      pixels = true;
    } else if (type === 'acTL') {
      assertFrames((await reader.bytes(body, 8)).readUInt32BE(), limits);
    } else if (type === 'fcTL') {
      assertFrames(++frames, limits);
      const frame = await reader.bytes(body, 12);
      assertPixels(frame.readUInt32BE(4), frame.readUInt32BE(8), limits);
    } else if (type === 'eXIf') {
      orientation = orientationOf(await reader.upTo(body, Math.min(length, ZEROS.length)));
    }
    if (!KEPT.has(type)) {
      const isCritical = type.charCodeAt(0) < 0x60;
      if (isCritical) throw new Malformed('has a chunk that is unknown');
      redactions.push(...hide(type, body, length, orientation));
    }
    at = end;
    if (type !== 'IEND') continue;
    if (size === undefined || !pixels) throw new Malformed('holds no picture');
    return { ...turned(size.width, size.height, orientation), redactions, end };
  }
};

function hide(type: string, body: number, length: number, orientation: number): Redaction[] {
  const kept = type === 'eXIf' ? remainsOf(orientation, length) : Buffer.alloc(0);
  const prefix = Buffer.concat([Buffer.from(kept.length > 0 ? type : NOTHING, 'latin1'), kept]);
  let crc = crc32(prefix);
  for (let left = length - kept.length; left > 0; left -= ZEROS.length) {
    crc = crc32(ZEROS.subarray(0, left), crc);
  }
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc);
  return [overwrite(body - 4, length + 4, prefix), overwrite(body + length, 4, check)];
}
