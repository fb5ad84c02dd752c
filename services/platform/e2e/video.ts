import { join } from 'node:path';

const SIZE = 20 * 1024 * 1024;

/**
 * A real video of 20 MB: made by ffmpeg where that is installed, else a small one from the fixtures, filled
 * up with a `free` box (ISO/IEC 14496-12, 8.1.2), which players skip.
 */
export async function makeVideo(folder: string): Promise<Buffer<ArrayBuffer>> {
  const clip =
    Bun.which('ffmpeg') === null ? join(import.meta.dir, 'fixtures', 'clip.mp4') : await encode(folder);
  const video = Buffer.from(await Bun.file(clip).arrayBuffer());
  return Buffer.concat([video, freeBox(SIZE - video.length)]);
}

async function encode(folder: string): Promise<string> {
  const path = join(folder, 'film.mp4');
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25', '-t', '8'];
  const target = [
    '-c:v',
    'mpeg4',
    '-b:v',
    '18M',
    '-maxrate',
    '18M',
    '-bufsize',
    '4M',
    '-movflags',
    '+faststart',
    path,
  ];
  const child = Bun.spawn(['ffmpeg', '-v', 'error', '-y', ...source, ...target], { stderr: 'inherit' });
  if ((await child.exited) !== 0) throw new Error('ffmpeg failed');
  return path;
}

function freeBox(size: number): Buffer<ArrayBuffer> {
  if (size < 8) return Buffer.alloc(0);
  const box = Buffer.allocUnsafe(size);
  crypto.getRandomValues(new Uint8Array(box.buffer, box.byteOffset, Math.min(size, 65_536)));
  for (let at = 65_536; at < size; at += 65_536) box.copyWithin(at, 0, Math.min(65_536, size - at));
  box.writeUInt32BE(size, 0);
  box.write('free', 4, 'latin1');
  return box;
}
