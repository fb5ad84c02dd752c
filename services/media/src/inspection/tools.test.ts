import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@tertulia/shared/testing/needs';
import { WHOLE } from '@tertulia/shared/testing/whole';
import { redacted } from '../testing/redacted.ts';
import { inspect } from './inspect.ts';

const LIMITS = { maxPixels: 64_000_000, maxFrames: 1000 };
const PICTURES = ['-f', 'lavfi', '-i', 'testsrc=duration=1:size=64x48:rate=5'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=duration=1'];
const TOLD = [
  'title=Title',
  'comment=SECRET',
  'location=+52.5200+013.4050/',
  'creation_time=2024-01-02T03:04:05Z',
];
const TAGS = TOLD.flatMap((each) => ['-metadata', each]);
const STILL = ['-frames:v', '1'];

type Case = [name: string, made: string[], written: 'all' | 'xmp' | 'none'];

/** Name, how ffmpeg makes it, and what exiftool can write into it. */
const CASES: Case[] = [
  ['a.jpg', [...PICTURES, ...STILL], 'all'],
  ['a.png', [...PICTURES, ...STILL], 'all'],
  ['a.webp', [...PICTURES, ...STILL], 'all'],
  ['a.gif', PICTURES, 'xmp'],
  ['a.mov', [...PICTURES, ...SOUND, ...TAGS, '-c:v', 'mpeg4'], 'all'],
  ['parts.mp4', [...PICTURES, ...TAGS, '-c:v', 'mpeg4', '-movflags', 'frag_keyframe+empty_moov'], 'none'],
  ['a.mkv', [...PICTURES, ...SOUND, ...TAGS, '-c:v', 'mpeg4'], 'none'],
  ['a.opus', [...SOUND, ...TAGS], 'none'],
  ['a.mp3', [...SOUND, ...TAGS], 'none'],
];
const MORE_CASES: Case[] = [
  ['a.mp4', [...PICTURES, ...SOUND, ...TAGS, '-c:v', 'mpeg4'], 'all'],
  ['a.m4a', [...SOUND, ...TAGS], 'all'],
  ['a.webm', [...PICTURES, ...TAGS, '-c:v', 'vp8'], 'none'],
  ['sound.webm', [...SOUND, ...TAGS, '-c:a', 'libopus'], 'none'],
  ['a.ogv', [...PICTURES, ...SOUND, ...TAGS], 'none'],
  ['a.ogg', [...SOUND, ...TAGS], 'none'],
  ['a.flac', [...SOUND, ...TAGS], 'none'],
  ['a.wav', [...SOUND, ...TAGS], 'none'],
  ['a.aac', [...SOUND, '-c:a', 'aac'], 'none'],
];
if (WHOLE) CASES.push(...MORE_CASES);

const GPS = ['-GPSLatitude=52.52', '-GPSLatitudeRef=N', '-GPSLongitude=13.4', '-GPSLongitudeRef=E'];
const NOTES = ['-XMP-dc:Description=SECRET', '-XMP-exif:GPSLatitude=52.52'];
const MORE = [...GPS, '-Orientation=6', '-Make=SECRET', '-IPTC:City=SECRET', '-GPSCoordinates=52.52 13.4'];

let folder: string;

async function run(program: string, ...args: string[]): Promise<string> {
  const child = Bun.spawn([program, ...args], { stdout: 'pipe', stderr: 'ignore', cwd: folder });
  return new Response(child.stdout).text();
}

/** Files of one kind are written into at once: it takes longer to start than to write. */
async function mark(written: 'all' | 'xmp'): Promise<void> {
  const names = CASES.filter((each) => each[2] === written).map(([name]) => name);
  const marks = [...NOTES, '-Comment=SECRET', ...(written === 'all' ? MORE : [])];
  await run('exiftool', '-q', '-m', '-n', '-overwrite_original', ...marks, ...names);
}

/** Shows a file as others get it, under another name. */
async function show(name: string) {
  const file = await Bun.file(join(folder, name)).bytes();
  const found = await inspect(new Blob([file.slice()]), LIMITS);
  const shown = redacted(file, found.redactions);
  await Bun.write(join(folder, `shown-${name}`), shown);
  return { found, shown };
}

/** What decodes, frame by frame. */
const frames = (name: string) =>
  run('ffmpeg', '-v', 'error', '-i', name, '-map', '0:v?', '-map', '0:a?', '-f', 'framemd5', '-');

const NEEDS = Bun.which('ffmpeg') === null ? 'ffmpeg' : 'exiftool';

describeWith(NEEDS)('files of ffmpeg with marks of exiftool', () => {
  const told = new Map<string, string>();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tertulia-marks-'));
    for (const [name, made] of CASES) await run('ffmpeg', '-v', 'error', '-y', ...made, name);
    await mark('all');
    await mark('xmp');
    for (const [name] of CASES) await show(name);
    const names = CASES.map(([name]) => `shown-${name}`);
    const json = await run('exiftool', '-j', '-a', '-G1', '-ee', '-u', '-x', 'System:all', ...names);
    for (const each of JSON.parse(json))
      told.set(each.SourceFile, JSON.stringify({ ...each, SourceFile: '' }));
  });
  afterAll(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  test.each(CASES)(
    '%s: exiftool finds nothing that is hidden, and the rest decodes as before',
    async (name) => {
      const { found, shown } = await show(name);
      if (name !== 'a.aac') expect(found.redactions).not.toEqual([]);
      const seen = told.get(`shown-${name}`);
      // It knows no AAC.
      if (name !== 'a.aac') expect(seen).toContain('FileType');
      expect(seen).not.toMatch(/SECRET|GPS|XMP|IPTC|Photoshop|52\.52|13\.4|2024|52 deg/);
      expect(Buffer.from(shown).toString('latin1')).not.toMatch(/SECRET|52\.52|W5M0MpCehiHz/);
      const whole = await frames(name);
      expect(whole).toMatch(/[0-9a-f]{32}/);
      expect(await frames(`shown-${name}`)).toBe(whole);
    },
  );

  test.each(CASES)('%s: size and duration are as ffprobe tells them', async (name) => {
    const { found } = await show(name);
    const probed = await run(
      'ffprobe',
      ...[
        '-v',
        'error',
        '-of',
        'json',
        '-show_entries',
        'format=duration:stream=codec_type,width,height',
        name,
      ],
    );
    const { streams, format } = JSON.parse(probed);
    const pictures = streams.find((each: { codec_type: string }) => each.codec_type === 'video');
    // Those that lie on their side, by their orientation.
    const turned = found.kind === 'image' && name !== 'a.gif';
    const [width, height] = turned ? [48, 64] : [pictures?.width, pictures?.height];
    expect([found.width, found.height]).toEqual([width, height]);
    if (found.kind === 'image') return;
    expect(found.kind).toBe(pictures === undefined ? 'audio' : 'video');
    // A frame more or less, as ffprobe guesses at some.
    expect(Math.abs((found.durationMs ?? 0) - Number(format.duration) * 1000)).toBeLessThan(50);
  });
});
