import { deflateSync } from 'node:zlib';

/** Small files that are what they say, made byte by byte. `filler` lengthens a file without changing its kind. */

const bytes = (...parts: (string | number[] | Uint8Array)[]) =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
    ),
  );

const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const u32le = (value: number) => u32(value).reverse();

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = bytes(type, data);
  return bytes(u32(data.length), body, u32(Bun.hash.crc32(body)));
}

/** A PNG of one pixel, followed by `filler` bytes. */
export function png(filler = 0): Uint8Array {
  const header = bytes(u32(1), u32(1), [8, 2, 0, 0, 0]);
  const end = chunk('IEND', new Uint8Array());
  const image = chunk('IDAT', deflateSync(Buffer.from([0, 255, 0, 0])));
  return bytes('\x89PNG\r\n\x1a\n', chunk('IHDR', header), image, end, pattern(filler));
}

export const gif = () =>
  bytes(
    'GIF89a',
    [1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255],
    [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0],
    [2, 2, 0x44, 1, 0, 0x3b],
  );

export const jpeg = () =>
  bytes([0xff, 0xd8, 0xff, 0xe0, 0, 16], 'JFIF\0', [1, 1, 0, 0, 1, 0, 1, 0, 0, 0xff, 0xd9]);

export const webp = () => bytes('RIFF', u32le(26), 'WEBPVP8L', u32le(13), new Uint8Array(14));

/** Silence: 8-bit mono. */
export function wav(samples = 800): Uint8Array {
  const format = bytes('fmt ', u32le(16), [1, 0, 1, 0], u32le(8000), u32le(8000), [1, 0, 8, 0]);
  return bytes(
    'RIFF',
    u32le(36 + samples),
    'WAVE',
    format,
    'data',
    u32le(samples),
    new Uint8Array(samples).fill(128),
  );
}

/** An ISO base media file of a brand, with an empty `mdat`. */
export const isoMedia = (brand: string) =>
  bytes(u32(24), 'ftyp', brand.padEnd(4), u32(0), brand.padEnd(4), 'isom', u32(8), 'mdat');

const oggPage = (packet: Uint8Array) =>
  bytes('OggS', [0, 2], new Uint8Array(8), u32le(1), u32le(0), u32le(0), [1, packet.length], packet);

export const oggOpus = () => oggPage(bytes('OpusHead', [1, 2, 0, 0], u32le(48_000), [0, 0, 0]));
export const oggVorbis = () => oggPage(bytes('\x01vorbis', new Uint8Array(23)));
export const oggTheora = () => oggPage(bytes('\x80theora', new Uint8Array(35)));
export const flac = () => bytes('fLaC', [0x80, 0, 0, 34], new Uint8Array(34));
export const mp3 = () => bytes([0xff, 0xfb, 0x90, 0x64], new Uint8Array(413));
export const mp3WithTag = () => bytes('ID3', [3, 0, 0, 0, 0, 0, 10], new Uint8Array(10), mp3());
export const aac = () => bytes([0xff, 0xf1, 0x50, 0x80, 2, 0x1f, 0xfc], new Uint8Array(100));
export const webm = () => ebml('webm');
export const mkv = () => ebml('matroska');

function ebml(type: string): Uint8Array {
  const docType = bytes([0x42, 0x82, 0x80 | type.length], type);
  return bytes([0x1a, 0x45, 0xdf, 0xa3, 0x80 | docType.length], docType, new Uint8Array(64));
}

/** Bytes that tell a swapped or lost part by their digest. */
export function pattern(length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at++) out[at] = (at * 31 + (at >> 8) * 7 + (at >> 16)) & 255;
  return out;
}

export const sha256 = (data: Uint8Array) => new Bun.CryptoHasher('sha256').update(data).digest('hex');
