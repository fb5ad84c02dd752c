import { crc32 } from 'node:zlib';
import { box, element, flac, isoMovie, isoPicture, matroska, mp3, oggOpus, oggVorbis } from './containers.ts';
import { bytes, chunk, gif, jpeg, png, u32, u32le, wav, webp } from './fixtures.ts';

/** Files as cameras and phones leave them: each says in every place it has where and by whom it was made. */

export const SECRET = '52.5200N SECRET';

const u16 = (value: number) => [value >>> 8, value & 255];
const zero = (text: string) => bytes(text, [0]);

/** Orientation, maker, and a directory of GPS. */
export function tiff(orientation = 6): Uint8Array {
  const maker = zero(SECRET);
  const entry = (tag: number, type: number, count: number, value: number[]) =>
    bytes(u16(tag), u16(type), u32(count), value);
  const after = 8 + 2 + 3 * 12 + 4;
  const gps = after + maker.length;
  return bytes(
    'MM\0*',
    u32(8),
    u16(3),
    entry(0x010f, 2, maker.length, u32(after)),
    entry(0x0112, 3, 1, [...u16(orientation), 0, 0]),
    entry(0x8825, 4, 1, u32(gps)),
    u32(0),
    maker,
    u16(1),
    entry(1, 2, 2, [...Buffer.from('N\0'), 0, 0]),
    u32(0),
  );
}

export const XMP = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">${SECRET}</x:xmpmeta>`;

const segment = (marker: number, ...parts: (string | Uint8Array)[]) => {
  const body = bytes(...parts);
  return bytes([0xff, marker], u16(body.length + 2), body);
};

/** With Exif, XMP, IPTC, MPF and a comment, and behind it another picture with Exif of its own. */
export function privateJpeg(): Uint8Array {
  const plain = jpeg();
  const marks = bytes(
    segment(0xe1, 'Exif\0\0', tiff()),
    segment(0xe1, 'http://ns.adobe.com/xap/1.0/\0', XMP),
    segment(0xed, 'Photoshop 3.0\0', SECRET),
    segment(0xe2, 'MPF\0', SECRET),
    segment(0xe2, 'ICC_PROFILE\0', 'colours'),
    segment(0xfe, SECRET),
  );
  const second = bytes(plain.subarray(0, 2), segment(0xe1, 'Exif\0\0', tiff()), plain.subarray(2));
  return bytes(plain.subarray(0, 2), marks, plain.subarray(2), second);
}

export function privatePng(): Uint8Array {
  const plain = png();
  const marks = bytes(
    chunk('eXIf', tiff()),
    chunk('tEXt', bytes('Author\0', SECRET)),
    chunk('iTXt', bytes('XML:com.adobe.xmp\0\0\0\0\0', XMP)),
    chunk('tIME', bytes(u16(2024), [1, 2, 3, 4, 5])),
    chunk('prIv', bytes(SECRET)),
  );
  return bytes(plain.subarray(0, 33), marks, plain.subarray(33));
}

const subBlocks = (data: Uint8Array) =>
  bytes(
    ...Array.from({ length: Math.ceil(data.length / 255) }, (_, index) => {
      const part = data.subarray(index * 255, (index + 1) * 255);
      return bytes([part.length], part);
    }),
  );

/** XMP stands in no sub-blocks; what follows it brings whoever reads it so back into step. */
const MAGIC = [1, ...Array.from({ length: 256 }, (_, index) => 255 - index), 0];

export function privateGif(xmp = XMP): Uint8Array {
  const plain = gif();
  const comment = bytes([0x21, 0xfe], subBlocks(bytes(SECRET.repeat(40))), [0]);
  const application = bytes([0x21, 0xff, 11], 'XMP DataXMP', xmp, MAGIC);
  return bytes('GIF89a', plain.subarray(6, -1), comment, application, [0x3b]);
}

export function privateWebp(): Uint8Array {
  const piece = (type: string, data: Uint8Array) =>
    bytes(type, u32le(data.length), data, data.length % 2 === 1 ? [0] : []);
  const extended = piece('VP8X', bytes([0x0c], new Uint8Array(9)));
  const body = bytes('WEBP', extended, webp().subarray(12), piece('EXIF', tiff()), piece('XMP ', bytes(XMP)));
  return bytes('RIFF', u32le(body.length), body);
}

/** Items of Exif and XMP, in the middle of the media data. */
export function privateHeic(brand = 'heic'): Uint8Array {
  const exif = bytes(u32(0), tiff());
  const xmp = bytes(XMP);
  const infe = (id: number, type: string, more = '') =>
    box('infe', u32(2 << 24), u16(id), [0, 0], type, '\0', more);
  const iinf = box('iinf', u32(0), u16(2), infe(2, 'Exif'), infe(3, 'mime', 'application/rdf+xml\0'));
  const iloc = (at: number) => {
    const place = (id: number, offset: number, length: number) =>
      bytes(u16(id), u16(0), u16(1), u32(offset), u32(length));
    const items = [place(2, at, exif.length), place(3, at + exif.length, xmp.length)];
    return box('iloc', u32(0), [0x44, 0], u16(2), ...items);
  };
  // The box of items begins behind the file's type, and has four bytes of its own first.
  const plain = isoPicture(brand);
  const start = Buffer.from(plain).readUInt32BE(0);
  const meta = (at: number) => box('meta', plain.subarray(start + 8, -8), iinf, iloc(at));
  const at = start + meta(0).length + 8;
  return bytes(plain.subarray(0, start), meta(at), box('mdat', exif, xmp));
}

const item = (type: string, ...parts: (string | Uint8Array)[]) =>
  box(type, box('data', u32(1), u32(0), ...parts));

/** Titles stay; places, comments, XMP and what makers add go. */
export function privateMp4(brand = 'isom', kind: 'video' | 'audio' = 'video'): Uint8Array {
  const list = box('ilst', item('\xa9nam', 'Title'), item('\xa9cmt', SECRET), item('covr', privateJpeg()));
  const meta = box('meta', u32(0), box('hdlr', u32(0), u32(0), 'mdirappl', new Uint8Array(9)), list);
  const udta = box('udta', box('\xa9xyz', u16(15), u16(0), SECRET), meta);
  const plain = isoMovie(brand, kind);
  const at = plain.length - 8;
  const ftyp = Buffer.from(plain).readUInt32BE(0);
  const moov = plain.subarray(ftyp + 8, at);
  const uuid = box('uuid', [0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8], new Uint8Array(8), XMP);
  return bytes(plain.subarray(0, ftyp), box('moov', moov, udta, uuid), uuid, box('mdat'), uuid);
}

export function privateMatroska(type: string): Uint8Array {
  const tag = element([0x67, 0xc8], element([0x45, 0xa3], 'LOCATION'), element([0x44, 0x87], SECRET));
  const tags = element([0x12, 0x54, 0xc3, 0x67], element([0x73, 0x73], tag));
  const file = (mime: string, data: Uint8Array) =>
    element([0x61, 0xa7], element([0x46, 0x60], mime), element([0x46, 0x5c], data));
  const files = [file('image/jpeg', privateJpeg()), file('text/plain', bytes(SECRET))];
  return matroska(type, 'video', tags, element([0x19, 0x41, 0xa4, 0x69], ...files));
}

function frame(id: string, ...parts: (string | Uint8Array | number[])[]): Uint8Array {
  const body = bytes(...parts);
  return bytes(id, u32(body.length), [0, 0], body);
}

export function privateMp3(): Uint8Array {
  const frames = bytes(
    frame('TIT2', '\0Title'),
    frame('COMM', '\0eng\0', SECRET),
    frame('GEOB', SECRET),
    frame('TXXX', '\0place\0', SECRET),
    frame('APIC', '\0image/jpeg\0\x03', zero(SECRET), privateJpeg()),
  );
  const size = frames.length;
  const tag = bytes('ID3', [3, 0, 0, 0, 0, size >> 7, size & 127], frames);
  const old = bytes('TAG', 'Title'.padEnd(90, '\0'), '2024', SECRET.padEnd(30, '\0'), [0]);
  return bytes(tag, mp3(), old);
}

export function privateFlac(): Uint8Array {
  const block = (type: number, data: Uint8Array, last = false) =>
    bytes([(last ? 0x80 : 0) | type], u32(data.length).slice(1), data);
  const comments = ['TITLE=Title', `LOCATION=${SECRET}`].flatMap((each) => [u32le(each.length), each]);
  const cover = privateJpeg();
  const picture = bytes(u32(3), u32(10), 'image/jpeg', u32(SECRET.length), SECRET, new Uint8Array(16));
  return flac(
    block(2, bytes('riff', SECRET)),
    block(4, bytes(u32le(4), 'made', u32le(2), ...comments)),
    block(6, bytes(picture, u32(cover.length), cover), true),
  );
}

export function privateWav(): Uint8Array {
  const piece = (type: string, data: string) =>
    bytes(type, u32le(data.length), data, data.length % 2 ? [0] : []);
  const info = bytes('INFO', piece('INAM', 'Title'), piece('ICMT', SECRET));
  const list = bytes('LIST', u32le(info.length), info);
  const body = bytes('WAVE', wav().subarray(12), list, piece('bext', SECRET), piece('_PMX', XMP));
  return bytes('RIFF', u32le(body.length), body);
}

export const privateOpus = () => oggOpus('TITLE=Title', `LOCATION=${SECRET}`);
export const privateVorbis = () => oggVorbis('TITLE=Title', `COMMENT=${SECRET}`);

/** True when every chunk's check is right. */
export function hasGoodChecks(file: Uint8Array): boolean {
  const view = Buffer.from(file);
  for (let at = 8; at < view.length; ) {
    const end = at + 8 + view.readUInt32BE(at);
    if (crc32(view.subarray(at + 4, end)) !== view.readUInt32BE(end)) return false;
    at = end + 4;
  }
  return true;
}
