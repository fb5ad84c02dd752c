const ORIENTATION = 0x0112;
const SHORT = 3;
const MAX_ENTRIES = 512;

/** Orientation of a TIFF block (the Exif header cut off), 1 to 8; 1 where it is not told. */
export function orientationOf(tiff: Buffer): number {
  const order = tiff.subarray(0, 4).toString('latin1');
  const little = order === 'II*\0';
  if (!little && order !== 'MM\0*') return 1;
  const u16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const u32 = (at: number) => (little ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  if (tiff.length < 8) return 1;
  const directory = u32(4);
  if (directory + 2 > tiff.length) return 1;
  const entries = Math.min(u16(directory), MAX_ENTRIES);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + entry * 12;
    if (at + 12 > tiff.length) return 1;
    if (u16(at) !== ORIENTATION || u16(at + 2) !== SHORT) continue;
    const value = u16(at + 8);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** A TIFF block that tells the orientation and nothing else. */
export function tiffOf(orientation: number): Buffer {
  const tiff = Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0', 'latin1');
  tiff[19] = orientation;
  return tiff;
}

/** What stands in the place of a TIFF block of so many bytes: what viewers turn the picture by, or nothing. */
export function remainsOf(orientation: number, length: number): Buffer {
  const tiff = tiffOf(orientation);
  return orientation === 1 || length < tiff.length ? Buffer.alloc(0) : tiff;
}
