import { deflateSync } from 'node:zlib';

/** Small files that are what they say, made byte by byte. `filler` lengthens a file without changing its kind. */

export const bytes = (...parts: (string | number[] | Uint8Array)[]) =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
    ),
  );

export const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
export const u32le = (value: number) => u32(value).reverse();

export function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = bytes(type, data);
  return bytes(u32(data.length), body, u32(Bun.hash.crc32(body)));
}

/** A PNG of one pixel, with `filler` bytes behind its compressed ones, where decoders do not look. */
export function png(filler = 0): Uint8Array {
  const header = bytes(u32(1), u32(1), [8, 2, 0, 0, 0]);
  const image = chunk('IDAT', deflateSync(Buffer.from([0, 255, 0, 0])));
  const more = filler === 0 ? new Uint8Array() : chunk('IDAT', pattern(filler));
  return bytes('\x89PNG\r\n\x1a\n', chunk('IHDR', header), image, more, chunk('IEND', new Uint8Array()));
}

export const gif = () =>
  bytes(
    'GIF89a',
    [1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255],
    [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0],
    [2, 2, 0x44, 1, 0, 0x3b],
  );

/** Eight pixels by eight, red. */
export const jpeg = () =>
  bytes(
    Buffer.from(
      '/9j/2wBDAAgEBAQEBAUFBQUFBQYGBgYGBgYGBgYGBgYHBwcICAgHBwcGBgcHCAgICAkJCQgICAgJCQoKCgwMCwsODg4RERT/xABM' +
        'AAEBAAAAAAAAAAAAAAAAAAAABgEBAQAAAAAAAAAAAAAAAAAABgcQAQAAAAAAAAAAAAAAAAAAAAARAQAAAAAAAAAAAAAAAAAAAAD/' +
        'wAARCAAIAAgDASIAAhEAAxEA/9oADAMBAAIRAxEAPwCLAFF/f//Z',
      'base64',
    ),
  );

export const webp = () => bytes('RIFF', u32le(26), 'WEBPVP8L', u32le(13), [0x2f], new Uint8Array(13));

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

/** Bytes that tell a swapped or lost part by their digest. */
export function pattern(length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at++) out[at] = (at * 31 + (at >> 8) * 7 + (at >> 16)) & 255;
  return out;
}

export const sha256 = (data: Uint8Array) => new Bun.CryptoHasher('sha256').update(data).digest('hex');
