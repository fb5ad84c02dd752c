import { describe, expect, test } from 'bun:test';
import type { Redaction } from '../db/schema.ts';
import { sha256 } from '../testing/fixtures.ts';
import * as files from '../testing/private-files.ts';
import { redacted } from '../testing/redacted.ts';
import { inspect } from './inspect.ts';
import { applyRedactions, redactedStream } from './redact.ts';

const LIMITS = { maxPixels: 64_000_000, maxFrames: 1000 };
const look = (file: Uint8Array) => inspect(new Blob([file.slice()]), LIMITS);
const text = (file: Uint8Array) => Buffer.from(file).toString('latin1');

const marked: [string, Uint8Array][] = [
  ['JPEG', files.privateJpeg()],
  ['PNG', files.privatePng()],
  ['GIF', files.privateGif()],
  ['WebP', files.privateWebp()],
  ['HEIC', files.privateHeic()],
  ['AVIF', files.privateHeic('avif')],
  ['MP4', files.privateMp4()],
  ['MOV', files.privateMp4('qt')],
  ['M4A', files.privateMp4('M4A', 'audio')],
  ['WebM', files.privateMatroska('webm')],
  ['MKV', files.privateMatroska('matroska')],
  ['MP3', files.privateMp3()],
  ['FLAC', files.privateFlac()],
  ['WAV', files.privateWav()],
  ['Opus', files.privateOpus()],
  ['Vorbis', files.privateVorbis()],
];

describe('what others get of a file', () => {
  test.each(marked)('%s: nothing of place, maker and notes, and as many bytes', async (name, file) => {
    expect(text(file)).toContain(files.SECRET);
    const found = await look(file);
    const shown = redacted(file, found.redactions);
    expect(shown.length).toBe(file.length);
    expect(text(shown)).not.toContain('SECRET');
    expect(text(shown)).not.toContain('xmpmeta');
    expect(found.redactedSha256).toBe(sha256(shown));
    if (text(file).includes('Title') && !['WebM', 'MKV'].includes(name))
      expect(text(shown)).toContain('Title');
    // What is shown is a file of the same kind, in which there is nothing left to hide but what is blank already.
    const { redactions, redactedSha256, ...same } = await look(shown);
    expect(found).toMatchObject(same);
    expect(sha256(redacted(shown, redactions))).toBe(sha256(shown));
  });

  test('the orientation stays, alone, and turns the size', async () => {
    for (const file of [files.privateJpeg(), files.privatePng(), files.privateWebp()]) {
      const { redactions } = await look(file);
      const shown = text(redacted(file, redactions));
      expect(shown).toContain('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0');
    }
  });

  test('colours stay', async () => {
    const file = files.privateJpeg();
    const { redactions } = await look(file);
    expect(text(redacted(file, redactions))).toContain('ICC_PROFILE\0colours');
  });

  test('chunks of a PNG keep right checks', async () => {
    const file = files.privatePng();
    expect(files.hasGoodChecks(file)).toBe(true);
    const { redactions } = await look(file);
    expect(files.hasGoodChecks(redacted(file, redactions))).toBe(true);
  });

  test('XMP of any length leaves a GIF whole', async () => {
    for (let length = 0; length <= 255; length += 1) {
      const file = files.privateGif(files.XMP + 'x'.repeat(length));
      const { redactions } = await look(file);
      const again = await look(redacted(file, redactions));
      expect(again).toMatchObject({ width: 1, height: 1 });
    }
  });

  test('redactions are written over alike, whatever the parts', async () => {
    const file = files.privateJpeg();
    const { redactions } = await look(file);
    const whole = redacted(file, redactions);
    for (const size of [1, 7, 64, 1000]) {
      const parts = Array.from({ length: Math.ceil(file.length / size) }, (_, index) =>
        file.slice(index * size, (index + 1) * size),
      );
      const stream = redactedStream(new Blob(parts).stream(), 0, redactions);
      expect(sha256(await new Response(stream).bytes())).toBe(sha256(whole));
    }
    for (let at = 0; at < file.length; at += 13) {
      const part = file.slice(at, at + 100);
      applyRedactions(part, at, redactions);
      expect(part).toEqual(whole.slice(at, at + 100));
    }
  });

  test('a file without any is left alone, and not read for its digest', async () => {
    const { png, jpeg, gif, wav } = await import('../testing/fixtures.ts');
    for (const file of [png(), jpeg(), gif(), wav()]) {
      const found = await look(file);
      expect(found.redactions).toEqual([] as Redaction[]);
      expect(found.redactedSha256).toBeUndefined();
    }
  });
});
