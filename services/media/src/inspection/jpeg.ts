import type { Redaction } from '../db/schema.ts';
import { orientationOf, remainsOf } from './exif.ts';
import { assertPixels, type Inspector, overwrite, turned } from './findings.ts';
import { Malformed, type Reader } from './reader.ts';

const [SOI, EOI, SOS, COM, APP0, APP15, TEM] = [0xd8, 0xd9, 0xda, 0xfe, 0xe0, 0xef, 0x01] as const;
const EXIF = 'Exif\0\0';
const NEAR = 64 * 1024;

/** Frame headers are C0 to CF, but for tables (C4), arithmetic coding (CC) and what is reserved (C8). */
const isFrame = (marker: number) => (marker & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(marker);
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;

/** ITU T.81, annex B: markers from SOI to EOI, of which only lengths and the frame's size are looked at. */
export const inspectJpeg: Inspector = async (reader, limits) => {
  const redactions: Redaction[] = [];
  let size: { width: number; height: number } | undefined;
  let orientation = 1;
  let scanned = false;
  let at = 2;
  for (;;) {
    const [ff, marker = 0] = await reader.bytes(at, 2);
    if (ff !== 0xff) throw new Malformed('has no marker where one belongs');
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === EOI) break;
    if (marker === SOI || marker === 0 || isRestart(marker)) throw new Malformed('has a marker out of place');
    if (marker === TEM) {
      at += 2;
      continue;
    }
    const body = at + 4;
    const length = (await reader.bytes(at + 2, 2)).readUInt16BE() - 2;
    if (length < 0 || body + length > reader.size) throw new Malformed('has a segment that is cut');
    if (isFrame(marker)) {
      if (size !== undefined) throw new Malformed('has two frames');
      const frame = await reader.bytes(body, 6);
      size = { width: frame.readUInt16BE(3), height: frame.readUInt16BE(1) };
      if (size.width === 0 || size.height === 0) throw new Malformed('has no size');
      assertPixels(size.width, size.height, limits);
    }
    if (marker === COM || (marker >= APP0 && marker <= APP15)) {
      const head = await reader.bytes(body, Math.min(length, NEAR));
      if (marker === 0xe1 && head.toString('latin1', 0, 6) === EXIF && orientation === 1) {
        orientation = orientationOf(head.subarray(6));
      }
      const hidden = hide(marker, head, body, length);
      if (hidden !== undefined) redactions.push(hidden);
    }
    at = body + length;
    if (marker !== SOS) continue;
    if (size === undefined) throw new Malformed('has a scan before its frame');
    scanned = true;
    at = await scanEnd(reader, at);
  }
  if (size === undefined || !scanned) throw new Malformed('holds no picture');
  return { ...turned(size.width, size.height, orientation), redactions, end: at + 2 };
};

/**
 * Only what is needed to show the picture stays: JFIF, colours (ICC, Adobe) and the orientation. All other
 * segments go: Exif with maker notes and previews, XMP, IPTC, MPF, comments.
 */
function hide(marker: number, head: Buffer, at: number, length: number): Redaction | undefined {
  const name = head.toString('latin1', 0, 12);
  if (marker === 0xe0 && name.startsWith('JFIF\0')) {
    // Its thumbnail shows the picture as it was before it was cropped.
    return length > 14 ? overwrite(at + 12, length - 12) : undefined;
  }
  if (marker === 0xe2 && name === 'ICC_PROFILE\0') return undefined;
  if (marker === 0xee && name.startsWith('Adobe'))
    return length > 12 ? overwrite(at + 12, length - 12) : undefined;
  if (marker !== 0xe1 || !name.startsWith(EXIF)) return overwrite(at, length);
  const kept = remainsOf(orientationOf(head.subarray(6)), length - 6);
  return overwrite(at, length, kept.length === 0 ? '' : Buffer.concat([Buffer.from(EXIF, 'latin1'), kept]));
}

/** The marker after a scan: FF that is followed by neither 00, a fill byte nor a restart. */
async function scanEnd(reader: Reader, from: number): Promise<number> {
  for (let at = from; ; ) {
    const piece = await reader.upTo(at, NEAR);
    if (piece.length < 2) throw new Malformed('ends within a scan');
    let found = piece.indexOf(0xff);
    while (found !== -1 && found + 1 < piece.length) {
      const marker = piece[found + 1] ?? 0;
      if (marker !== 0 && marker !== 0xff && !isRestart(marker)) return at + found;
      found = piece.indexOf(0xff, found + (marker === 0xff ? 1 : 2));
    }
    at += found === -1 ? piece.length : found;
  }
}
