import { describe, expect, test } from 'bun:test';
import * as containers from '../testing/containers.ts';
import * as fixtures from '../testing/fixtures.ts';
import { fileKind } from './file-kind.ts';

const files = { ...containers, ...fixtures };
const text = (value: string) => new TextEncoder().encode(value);

describe('fileKind', () => {
  test.each([
    ['JPEG', files.jpeg(), 'image', 'image/jpeg'],
    ['PNG', files.png(), 'image', 'image/png'],
    ['GIF', files.gif(), 'image', 'image/gif'],
    ['WebP', files.webp(), 'image', 'image/webp'],
    ['AVIF', files.isoPicture('avif'), 'image', 'image/avif'],
    ['HEIC', files.isoPicture('heic'), 'image', 'image/heic'],
    ['MP4', files.isoMovie('isom'), 'video', 'video/mp4'],
    ['MOV', files.isoMovie('qt'), 'video', 'video/quicktime'],
    ['WebM', files.matroska('webm'), 'video', 'video/webm'],
    ['MKV', files.matroska('matroska'), 'video', 'video/matroska'],
    ['OGG video', files.oggTheora(), 'video', 'video/ogg'],
    ['MP3', files.mp3(), 'audio', 'audio/mpeg'],
    ['MP3 with a tag', files.mp3WithTag(), 'audio', 'audio/mpeg'],
    ['AAC', files.aac(), 'audio', 'audio/aac'],
    ['M4A', files.isoMovie('M4A', 'audio'), 'audio', 'audio/mp4'],
    ['OGG', files.oggVorbis(), 'audio', 'audio/ogg'],
    ['Opus', files.oggOpus(), 'audio', 'audio/ogg'],
    ['FLAC', files.flac(), 'audio', 'audio/flac'],
    ['WAV', files.wav(), 'audio', 'audio/wav'],
  ] as const)('%s is accepted', async (_, bytes, kind, mimeType) => {
    expect(await fileKind(new Blob([bytes.slice()]))).toEqual({ kind, mimeType });
  });

  test.each([
    ['nothing', new Uint8Array()],
    ['HTML', text('<html><script>alert(1)</script></html>')],
    ['SVG', text('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')],
    ['XHTML', text('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>')],
    ['a playlist', text('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n')],
    ['PDF', text('%PDF-1.7\n')],
    ['ZIP', new Uint8Array([0x50, 0x4b, 3, 4, ...new Uint8Array(40)])],
    ['TIFF', new Uint8Array([0x49, 0x49, 0x2a, 0, 8, 0, 0, 0])],
    ['BMP', text(`BM${'\0'.repeat(60)}`)],
    ['AVI', text('RIFF\0\0\0\0AVI LIST')],
    ['3GP', files.isoMovie('3gp4')],
    ['a raw photo', files.isoMovie('crx')],
    ['MP2', new Uint8Array([0xff, 0xfd, 0x90, 0x64, ...new Uint8Array(413)])],
    ['random bytes', files.pattern(5000)],
    ['UTF-16 text', new Uint8Array([0xff, 0xfe, 0x61, 0, 0x62, 0])],
    ['a ZIP behind an ID3 tag', text(`ID3\x03\0\0\0\0\0\x0a${'\0'.repeat(10)}PK\x03\x04${'\0'.repeat(60)}`)],
  ])('%s is refused', async (_, bytes) => {
    expect(await fileKind(new Blob([bytes.slice()]))).toBeUndefined();
  });
});
