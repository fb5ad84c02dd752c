import type { Redaction } from '../db/schema.ts';
import { orientationOf, remainsOf } from './exif.ts';
import { assertFrames, assertPixels, type Inspector, overwrite, turned } from './findings.ts';
import { MAX_PIECE, Malformed, type Reader } from './reader.ts';

const KEPT = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP']);
const [HAS_EXIF, HAS_XMP] = [0x08, 0x04] as const;
type Size = { width: number; height: number };

/** RFC 9649: chunks within a RIFF of the file's length. */
export const inspectWebp: Inspector = async (reader, limits) => {
  const end = 8 + (await reader.bytes(4, 4)).readUInt32LE();
  if (end > reader.size) throw new Malformed('is cut');
  const redactions: Redaction[] = [];
  let canvas: Size | undefined;
  let picture: Size | undefined;
  let flags: { at: number; value: number } | undefined;
  let orientation = 1;
  let keepsExif = false;
  let frames = 0;
  for (let at = 12; at + 8 <= end; ) {
    const head = await reader.bytes(at, 8);
    const type = head.toString('latin1', 0, 4);
    const length = head.readUInt32LE(4);
    const body = at + 8;
    if (body + length > end) throw new Malformed('has a chunk that is cut');
    if (type === 'VP8X') {
      const extended = await reader.bytes(body, 10);
      flags = { at: body, value: extended[0] ?? 0 };
      canvas = { width: extended.readUIntLE(4, 3) + 1, height: extended.readUIntLE(7, 3) + 1 };
      assertPixels(canvas.width, canvas.height, limits);
    } else if (type === 'VP8 ' || type === 'VP8L') {
      if (picture !== undefined) throw new Malformed('has two pictures');
      picture = await sizeOf(reader, type, body);
      assertPixels(picture.width, picture.height, limits);
    } else if (type === 'ANMF') {
      assertFrames(++frames, limits);
      const frame = await reader.bytes(body, 16);
      assertPixels(frame.readUIntLE(6, 3) + 1, frame.readUIntLE(9, 3) + 1, limits);
    } else if (type === 'EXIF') {
      const tiff = await reader.bytes(body, Math.min(length, MAX_PIECE));
      orientation = orientationOf(tiff.toString('latin1', 0, 4) === 'Exif' ? tiff.subarray(6) : tiff);
      const kept = remainsOf(orientation, length);
      keepsExif = kept.length > 0;
      redactions.push(keepsExif ? overwrite(body, length, kept) : nothing(at, length));
    }
    if (!KEPT.has(type) && type !== 'EXIF') redactions.push(nothing(at, length));
    at = body + length + (length % 2);
  }
  const size = canvas ?? picture;
  if (size === undefined || (picture === undefined && frames === 0)) throw new Malformed('holds no picture');
  if (picture !== undefined && (picture.width !== size.width || picture.height !== size.height)) {
    throw new Malformed('tells two sizes');
  }
  if (flags !== undefined && (flags.value & (HAS_EXIF | HAS_XMP)) !== 0) {
    const value = flags.value & ~HAS_XMP & (keepsExif ? 0xff : ~HAS_EXIF);
    redactions.push(overwrite(flags.at, 1, new Uint8Array([value])));
  }
  return { ...turned(size.width, size.height, orientation), redactions, end: end + (end % 2) };
};

/** Decoders skip what they do not know. */
function nothing(at: number, length: number): Redaction {
  const prefix = Buffer.from('JUNK\0\0\0\0', 'latin1');
  prefix.writeUInt32LE(length, 4);
  return overwrite(at, length + 8, prefix);
}

async function sizeOf(reader: Reader, type: 'VP8 ' | 'VP8L', at: number): Promise<Size> {
  if (type === 'VP8L') {
    const head = await reader.bytes(at, 5);
    if (head[0] !== 0x2f) throw new Malformed('has a broken bitstream');
    const bits = head.readUInt32LE(1);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  const head = await reader.bytes(at, 10);
  if (head.readUIntBE(3, 3) !== 0x9d012a) throw new Malformed('has a broken bitstream');
  return { width: head.readUInt16LE(6) & 0x3fff, height: head.readUInt16LE(8) & 0x3fff };
}
