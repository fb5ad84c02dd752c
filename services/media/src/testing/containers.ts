import { checkOf } from '../inspection/ogg-pages.ts';
import { bytes, u32, u32le } from './fixtures.ts';

/** Containers of next to nothing, made byte by byte: enough of a header to tell what they hold. */

type Part = string | number[] | Uint8Array;

export function box(type: string, ...parts: Part[]): Uint8Array {
  const body = bytes(...parts);
  return bytes(u32(body.length + 8), type, body);
}

const zeros = (length: number) => new Uint8Array(length);

export function track(id: number, handler: string, size: [number, number] = [0, 0]): Uint8Array {
  const shape = bytes(u32(size[0] * 65_536), u32(size[1] * 65_536));
  const matrix = bytes(u32(65_536), zeros(12), u32(65_536), zeros(12), u32(0x40000000));
  const tkhd = box('tkhd', u32(7), zeros(8), u32(id), zeros(4), u32(2000), zeros(16), matrix, shape);
  const mdhd = box('mdhd', u32(0), zeros(8), u32(1000), u32(2000), zeros(4));
  return box('trak', tkhd, box('mdia', mdhd, box('hdlr', zeros(8), handler, zeros(13))));
}

/** Two seconds. */
export const movie = (...parts: Uint8Array[]) =>
  box('moov', box('mvhd', u32(0), zeros(8), u32(1000), u32(2000), zeros(80)), ...parts);

const PICTURES = () => track(1, 'vide', [320, 240]);
const SOUND = () => track(2, 'soun');

export const fileType = (brand: string) => box('ftyp', brand.padEnd(4), u32(0), brand.padEnd(4), 'isom');

/** A movie of a brand: with pictures, or sound alone. */
export const isoMovie = (brand: string, kind: 'video' | 'audio' = 'video', ...more: Uint8Array[]) =>
  bytes(fileType(brand), movie(kind === 'video' ? PICTURES() : SOUND()), box('mdat'), ...more);

/** A HEIC or AVIF that tells the size of its one item, and holds none of it. */
export function isoPicture(brand: string, size: [number, number] = [640, 480]): Uint8Array {
  const ispe = box('ispe', u32(0), u32(size[0]), u32(size[1]));
  const properties = box('iprp', box('ipco', ispe), box('ipma', u32(0), u32(1), [0, 1, 1, 0x81]));
  return bytes(fileType(brand), box('meta', u32(0), box('pitm', u32(0), [0, 1]), properties), box('mdat'));
}

/** A page of whole packets, each under 255 bytes. */
export function oggPage(flags: number, granule: number, ...packets: Uint8Array[]): Uint8Array {
  const lacing = packets.map(({ length }) => length);
  const head = bytes('OggS', [0, flags], u32le(granule), u32le(0), u32le(1), u32le(0), u32le(0));
  const page = bytes(head, [packets.length, ...lacing], ...packets);
  page.set(checkOf(page), 22);
  return page;
}

const comments = (...list: string[]) =>
  bytes(u32le(4), 'made', u32le(list.length), ...list.flatMap((each) => [u32le(each.length), each]));

const ogg = (first: Uint8Array, before: string, ...list: string[]) =>
  bytes(oggPage(2, 0, first), oggPage(0, 0, bytes(before, comments(...list))), oggPage(4, 96_000, zeros(10)));

export const oggOpus = (...list: string[]) =>
  ogg(bytes('OpusHead', [1, 2, 0, 0], u32le(48_000), [0, 0, 0]), 'OpusTags', ...list);
export const oggVorbis = (...list: string[]) =>
  ogg(bytes('\x01vorbis', zeros(5), u32le(48_000), zeros(14)), '\x03vorbis', ...list);
export const oggTheora = () => ogg(bytes('\x80theora', zeros(35)), '\x81theora');

export const flac = (...blocks: Uint8Array[]) =>
  bytes('fLaC', [blocks.length === 0 ? 0x80 : 0, 0, 0, 34], zeros(34), ...blocks);
export const mp3 = () => bytes([0xff, 0xfb, 0x90, 0x64], zeros(413));
export const mp3WithTag = () => bytes('ID3', [3, 0, 0, 0, 0, 0, 10], zeros(10), mp3());
export const aac = () => bytes([0xff, 0xf1, 0x50, 0x80, 2, 0x1f, 0xfc], zeros(9));

/** An element of less than 16 KiB. */
export function element(id: number[], ...parts: Part[]): Uint8Array {
  const body = bytes(...parts);
  return bytes(id, [0x40 | (body.length >> 8), body.length & 255], body);
}

export function matroska(type: string, kind: 'video' | 'audio' = 'video', ...more: Uint8Array[]): Uint8Array {
  const header = element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], type));
  const size = element([0xe0], element([0xb0], [1, 64]), element([0xba], [240]));
  const entry = element([0xae], element([0x83], [kind === 'video' ? 1 : 2]), kind === 'video' ? size : []);
  const info = element([0x15, 0x49, 0xa9, 0x66], element([0x44, 0x89], [0x44, 0xfa, 0, 0]));
  return bytes(
    header,
    element([0x18, 0x53, 0x80, 0x67], info, element([0x16, 0x54, 0xae, 0x6b], entry), ...more),
  );
}
