import { join } from 'node:path';
import { png } from '@tertulia/media/testing/fixtures';

/** A short video that every Chromium plays; a picture where there is no ffmpeg to make one. */
export async function makeClip(folder: string): Promise<string> {
  if (Bun.which('ffmpeg') === null) return makePicture(folder, 200_000);
  const path = join(folder, 'clip.webm');
  if (await Bun.file(path).exists()) return path;
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25', '-t', '3'];
  const target = ['-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime', '-cpu-used', '8', path];
  const child = Bun.spawn(['ffmpeg', '-v', 'error', '-y', ...source, ...target], { stderr: 'inherit' });
  if ((await child.exited) !== 0) throw new Error('ffmpeg failed');
  return path;
}

/** A picture of one pixel, and as many bytes more as it takes to be slow. */
export async function makePicture(folder: string, filler: number): Promise<string> {
  const path = join(folder, `picture-${filler}.png`);
  await Bun.write(path, png(filler));
  return path;
}
