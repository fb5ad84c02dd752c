import { deflateSync } from 'node:zlib';
import {
  box,
  element,
  fileType,
  flac,
  isoMovie,
  isoPicture,
  matroska,
  movie,
  mp3,
  oggOpus,
  oggPage,
  track,
} from './containers.ts';
import { bytes, chunk, gif, jpeg, pattern, png, u32, u32le, wav, webp } from './fixtures.ts';

/** Files of whoever means ill; each must be refused, and quickly. */

export type Hostile = readonly [name: string, file: Uint8Array, status: 415 | 422];

const u16 = (value: number) => [value >>> 8, value & 255];
const u16le = (value: number) => u16(value).reverse();
const text = (value: string) => new TextEncoder().encode(value);

/** An archive of one empty file, as it stands at another file's tail. */
export function zip(name = 'a.class', comment = ''): Uint8Array {
  const local = bytes('PK\x03\x04', new Uint8Array(22), u16le(name.length), [0, 0], name);
  const entry = bytes('PK\x01\x02', new Uint8Array(24), u16le(name.length), new Uint8Array(16), name);
  const end = bytes('PK\x05\x06', [0, 0, 0, 0, 1, 0, 1, 0], u32le(entry.length), u32le(local.length));
  return bytes(local, entry, end, u16le(comment.length), comment);
}

const HTML = '<html><script>fetch("http://127.0.0.1/")</script></html>';
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>';
const PDF = '%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n';
const comment = (value: string) => bytes([0xff, 0xfe], u16(value.length + 2), value);
const inJpeg = (value: string) => bytes(jpeg().subarray(0, 2), comment(value), jpeg().subarray(2));
const inPng = (value: string) =>
  bytes(png().subarray(0, 33), chunk('tEXt', text(`a\0${value}`)), png().subarray(33));
const inGif = (value: string) =>
  bytes(gif().subarray(0, 19), [0x21, 0xfe, value.length], value, [0], gif().subarray(19));

const header = (width: number, height: number) =>
  chunk('IHDR', bytes(u32(width), u32(height), [8, 2, 0, 0, 0]));
const SIGNATURE = '\x89PNG\r\n\x1a\n';

/** Of one colour: next to nothing packed, very much unpacked. */
export function bombPng(width: number, height: number): Uint8Array {
  const pixels = chunk('IDAT', deflateSync(new Uint8Array(height * (1 + Math.ceil(width / 8)))));
  const head = chunk('IHDR', bytes(u32(width), u32(height), [1, 0, 0, 0, 0]));
  return bytes(SIGNATURE, head, pixels, chunk('IEND', new Uint8Array()));
}

const pngOf = (width: number, height: number) => bytes(SIGNATURE, header(width, height), png().subarray(33));

export function framesGif(count: number): Uint8Array {
  const frame = gif().subarray(19, -1);
  return bytes(gif().subarray(0, 19), ...Array.from({ length: count }, () => frame), [0x3b]);
}

const framesPng = (told: number, count: number) =>
  bytes(
    png().subarray(0, 33),
    chunk('acTL', bytes(u32(told), u32(0))),
    ...Array.from({ length: count }, (_, index) =>
      chunk('fcTL', bytes(u32(index), u32(1), u32(1), new Uint8Array(14))),
    ),
    png().subarray(33),
  );

function jpegOf(width: number, height: number): Uint8Array {
  const file = Buffer.from(jpeg());
  const frame = file.indexOf(Buffer.from([0xff, 0xc0]));
  file.writeUInt16BE(height, frame + 5);
  file.writeUInt16BE(width, frame + 7);
  return new Uint8Array(file);
}

const gifOf = (width: number, height: number) =>
  bytes('GIF89a', u16le(width), u16le(height), gif().subarray(10));

const riff = (type: string, ...parts: Uint8Array[]) => {
  const body = bytes(type, ...parts);
  return bytes('RIFF', u32le(body.length), body);
};
const piece = (type: string, ...parts: (Uint8Array | number[])[]) => {
  const body = bytes(...parts);
  return bytes(type, u32le(body.length), body);
};
const u24le = (value: number) => u32le(value).slice(0, 3);
const canvas = (width: number, height: number) =>
  piece('VP8X', [2, 0, 0, 0], u24le(width - 1), u24le(height - 1));
const framesWebp = (count: number) =>
  riff('WEBP', canvas(1, 1), ...Array.from({ length: count }, () => piece('ANMF', new Uint8Array(16))));
const bigWebp = riff('WEBP', piece('VP8L', [0x2f, 0xff, 0xff, 0xff, 0x0f], new Uint8Array(8)));

const PLAYLISTS = [
  '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
  '#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nCANARY/a.ts\n#EXT-X-ENDLIST\n',
  '#EXTM3U\n#EXTINF:1,\nconcat:CANARY/header.m3u8|file:///etc/passwd\n',
  '#EXTM3U\n#EXTINF:1,\nsubfile,,start,0,end,100,,:/etc/passwd\n',
  'ffconcat version 1.0\nfile /etc/passwd\n',
  "file '/etc/passwd'\nfile 'CANARY/a'\n",
  '<?xml version="1.0"?><MPD><BaseURL>CANARY/</BaseURL></MPD>',
  '<SMIL><BODY><VIDEO SRC="CANARY/a"/></BODY></SMIL>',
  '[playlist]\nFile1=CANARY/a\n',
  'v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n',
];

/** `address` is where a file would call from, were it opened by what follows references. */
export function hostileFiles(address: string): Hostile[] {
  const at = (value: string) => value.replaceAll('CANARY', address);
  const refused = (files: [string, Uint8Array][]): Hostile[] =>
    files.map(([name, file]) => [name, file, 415]);
  const bombs = (files: [string, Uint8Array][]): Hostile[] => files.map(([name, file]) => [name, file, 422]);
  const cut = (name: string, file: Uint8Array): [string, Uint8Array][] =>
    [0.3, 0.6, 0.95].map((part) => [
      `${name} cut at ${part}`,
      file.subarray(0, Math.floor(file.length * part)),
    ]);
  return [
    ...refused([
      ['HTML', text(HTML)],
      ['HTML behind blanks', text(` \n\t${HTML}`)],
      ['XHTML', text(`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">${HTML}</html>`)],
      ['SVG', text(SVG)],
      [
        'SVG that links',
        text(at(`<svg xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="CANARY/a"/></svg>`)),
      ],
      ['SVG with entities', text(at(`<!DOCTYPE svg [<!ENTITY a SYSTEM "CANARY/a">]><svg>&a;</svg>`))],
      ['XML that reads', text('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')],
      ['PDF', text(PDF)],
      ['PostScript', text('%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n')],
      [
        'ImageMagick script',
        text(at("push graphic-context\nimage over 0,0 0,0 'CANARY/a'\npop graphic-context\n")),
      ],
      ['ZIP', zip()],
      ['ZIP of ZIP', zip(`../../etc/${'a'.repeat(50)}`)],
      ['gzip', new Uint8Array(Bun.gzipSync(new Uint8Array(1_000_000)))],
      ['RAR', bytes('Rar!\x1a\x07\x01\0', pattern(100))],
      ['7z', bytes('7z\xbc\xaf\x27\x1c', pattern(100))],
      ['ELF', bytes('\x7fELF', pattern(100))],
      ['a program for Windows', bytes('MZ', pattern(100))],
      ['Flash', bytes('FWS\x09', pattern(100))],
      ['TIFF', bytes('II*\0', pattern(100))],
      ['BMP', bytes('BM', pattern(100))],
      ['Photoshop', bytes('8BPS', pattern(100))],
      ['AVI', bytes('RIFF', u32le(100), 'AVI ', pattern(100))],
      ['Flash video', bytes('FLV\x01', pattern(100))],
      ['MPEG-TS', bytes([0x47, 0x40, 0, 0x10], pattern(500))],
      ['ASF', bytes([0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11], pattern(100))],
      ['nothing but zeros', new Uint8Array(1000)],
      ['noise', pattern(1000)],
      ['one byte', new Uint8Array([0xff])],
    ]),
    ...refused(PLAYLISTS.map((list, index) => [`playlist ${index + 1}`, text(at(list))])),
    ...refused([
      ['JPEG, then HTML', bytes(jpeg(), HTML)],
      ['JPEG, then a ZIP (GIFAR)', bytes(jpeg(), zip())],
      ['JPEG, then much of another', bytes(jpeg(), pattern(5000))],
      ['JPEG with a page in it', inJpeg(HTML)],
      ['JPEG with PHP in it', inJpeg('<?php system($_GET["c"]); ?>')],
      ['JPEG with a PDF in it', inJpeg(PDF)],
      ['PNG, then HTML', bytes(png(), HTML)],
      ['PNG, then SVG', bytes(png(), SVG)],
      ['PNG, then a ZIP', bytes(png(), zip())],
      ['PNG, then PDF and ZIP', bytes(png(), PDF, zip())],
      ['PNG with a page in it', inPng(HTML)],
      ['PNG with SVG in it', inPng(SVG)],
      ['GIF, then a ZIP (GIFAR)', bytes(gif(), zip())],
      ['GIF, then a ZIP with a comment', bytes(gif(), zip('a.class', 'x'.repeat(5000)))],
      ['GIF, then HTML', bytes(gif(), HTML)],
      ['GIF with a page in it', inGif(HTML)],
      ['GIF that is a page', text(`GIF89a<html>${HTML}`)],
      ['WebP, then HTML', bytes(webp(), HTML)],
      ['WAV with a ZIP in it', riff('WAVE', wav().subarray(12), piece('JUNK', zip()))],
      ['MP4 with a ZIP in it', isoMovie('isom', 'video', box('free', zip()))],
      ['MP3, then a ZIP', bytes(mp3(), zip())],
      ['FLAC, then a ZIP', bytes(flac(), zip())],
      ['WebM with a ZIP in it', matroska('webm', 'video', element([0xec], zip()))],
      ['HEIC, then a ZIP', bytes(isoPicture('heic'), zip())],
    ]),
    ...refused([
      ...[
        ...cut('PNG', png(500)),
        ...cut('JPEG', jpeg()),
        ...cut('WebP', webp()),
        ...cut('MP4', isoMovie('isom')),
      ],
      ['GIF without its end', gif().subarray(0, -1)],
      ['WebM cut', matroska('webm').subarray(0, -3)],
      ['WAV cut', wav().subarray(0, -100)],
      ['OGG cut', oggOpus().subarray(0, 60)],
      ['PNG without pixels', bytes(SIGNATURE, header(1, 1), chunk('IEND', new Uint8Array()))],
      ['PNG of no size', pngOf(0, 5)],
      ['PNG with two headers', bytes(png().subarray(0, 33), header(1, 1), png().subarray(33))],
      ['PNG whose header has another sum', bytes(png().subarray(0, 20), [9], png().subarray(21))],
      [
        'PNG with a chunk of 4 GiB',
        bytes(png().subarray(0, 33), u32(0xffffffff), 'IDAT', new Uint8Array(20)),
      ],
      [
        'PNG with an unknown chunk that is needed',
        bytes(png().subarray(0, 33), chunk('EVIL', text('a')), png().subarray(33)),
      ],
      ['JPEG of no size', jpegOf(0, 8)],
      [
        'JPEG with nothing in it',
        bytes([0xff, 0xd8, 0xff, 0xe0, 0, 16], 'JFIF\0', new Uint8Array(9), [0xff, 0xd9]),
      ],
      ['JPEG with a segment of no length', bytes([0xff, 0xd8, 0xff, 0xe0, 0, 0], jpeg())],
      ['GIF of no size', gifOf(0, 1)],
      ['GIF without frames', bytes(gif().subarray(0, 19), [0x3b])],
      ['WebP without a picture', riff('WEBP', canvas(1, 1))],
      ['WebP of two sizes', riff('WEBP', canvas(10, 10), webp().subarray(12))],
      ['WebP that says it is larger', bytes('RIFF', u32le(9999), webp().subarray(8))],
      ['HEIC without items', bytes(fileType('heic'), box('mdat'))],
      [
        'HEIC whose items are cut',
        bytes(fileType('heic'), box('meta', u32(0), box('iloc', u32(0), [0x44, 0], u16(999)))),
      ],
      ['MP4 without tracks', bytes(fileType('isom'), movie(), box('mdat'))],
      ['MP4 of text alone', bytes(fileType('isom'), movie(track(1, 'text')), box('mdat'))],
      ['MP4 without a movie', bytes(fileType('isom'), box('mdat', pattern(100)))],
      ['MP4 with a box of 16 EiB', bytes(fileType('isom'), u32(1), 'moov', new Uint8Array(8).fill(255))],
      ['MP4 whose header is packed', bytes(fileType('qt'), box('moov', box('cmov', pattern(50))))],
      ['WebM without tracks', bytes(matroska('webm').subarray(0, 20), element([0x18, 0x53, 0x80, 0x67]))],
      [
        'WebM of subtitles alone',
        bytes(
          element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], 'webm')),
          element(
            [0x18, 0x53, 0x80, 0x67],
            element([0x16, 0x54, 0xae, 0x6b], element([0xae], element([0x83], [0x11]))),
          ),
        ),
      ],
      ['OGG of what nobody knows', oggPage(2, 0, text('unknown codec'))],
      ['OGG without comments', oggPage(2, 0, bytes('OpusHead', new Uint8Array(11)))],
      [
        'FLAC with a block that is cut',
        bytes('fLaC', [0, 0, 0, 34], new Uint8Array(34), [0x84, 0xff, 0xff, 0xff]),
      ],
      ['WAV without sound', riff('WAVE', piece('LIST', text('INFO')))],
      ['MP3 of a tag alone', bytes('ID3', [3, 0, 0, 0, 0, 0, 10], new Uint8Array(10))],
    ]),
    ...bombs([
      ['GIF that is a script', text('GIF89a=1;alert(1)//')],
      ['PNG of 14,000 by 14,000', bombPng(14_000, 14_000)],
      ['PNG that says 65,535 by 65,535', pngOf(65_535, 65_535)],
      ['PNG that says 2 billion wide', pngOf(2 ** 31 - 1, 1)],
      ['PNG that says a million frames', framesPng(1_000_000, 1)],
      ['PNG of 1,001 frames', framesPng(1, 1001)],
      ['JPEG of 65,535 by 65,535', jpegOf(65_535, 65_535)],
      ['GIF of 65,535 by 65,535', gifOf(65_535, 65_535)],
      ['GIF of 10,000 frames', framesGif(10_000)],
      ['WebP of 16,384 by 16,384', bigWebp],
      ['WebP with a canvas of 16 million by 16 million', riff('WEBP', canvas(2 ** 24, 2 ** 24))],
      ['WebP of 1,001 frames', framesWebp(1001)],
      ['HEIC of 60,000 by 60,000', isoPicture('heic', [60_000, 60_000])],
      ['AVIF of 4 billion by 4 billion', isoPicture('avif', [2 ** 32 - 1, 2 ** 32 - 1])],
      ['HEIC with a list of 2 MB', bytes(fileType('heic'), box('meta', new Uint8Array(2_000_000)))],
    ]),
  ];
}
