import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { signUp } from '../e2e/people.ts';
import { startStack } from '../e2e/stack.ts';
import { rssMiB, startServer } from './process.ts';
import type { BenchRow } from './row.ts';
import { median } from './statistics.ts';

const SIZE = 1024 ** 3;
const CHUNK = 8 * 1024 ** 2;
const ROUNDS = 3;
const CLIP = join(import.meta.dir, '..', 'e2e', 'fixtures', 'clip.mp4');

/** Upload of 1 GiB in chunks of 8 MiB, against `@tus/server` with its file store, in turn. */
export async function tusBench(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-bench-'));
  const stack = await startStack();
  const person = await signUp(stack, 'bench');
  const port = await freePort();
  // Node is where it is at home.
  const runtime = Bun.which('node') ?? process.execPath;
  const peerDir = await mkdtemp(join(tmpdir(), 'tertulia-bench-tus-'));
  const script = join(folder, 'tus-server.mjs');
  await Bun.write(
    script,
    (await Bun.build({ entrypoints: [join(import.meta.dir, 'tus-server.ts')], target: 'node' })).outputs[0] ??
      '',
  );
  const peer = await startServer(
    [runtime, script],
    { PORT: String(port), FOLDER: peerDir },
    `http://127.0.0.1:${port}/files`,
  );

  const film = Buffer.from(await Bun.file(CLIP).arrayBuffer());
  const headers = { Authorization: `Bearer ${person.token}` };
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Another file in each round: the same one again would be kept once.
    const first = firstChunk(film, round);
    ours.push(await upload(`${stack.url('media')}/media/uploads`, first, headers));
    theirs.push(await upload(`http://127.0.0.1:${port}/files`, first, {}));
  }
  const peak = { ours: rssMiB(stack.pid('media'), 'VmHWM'), theirs: rssMiB(peer.pid, 'VmHWM') };
  await peer.stop();
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
  await rm(peerDir, { recursive: true, force: true });
  const speed = (seconds: number[]) => SIZE / 1024 ** 2 / median(seconds);
  return [
    {
      what: 'tus upload of 1 GiB, MiB a second (ours with SHA-256 and fsync)',
      ours: speed(ours).toFixed(0),
      yardstick: `@tus/server: ${speed(theirs).toFixed(0)}`,
      ratio: median(ours.map((value, at) => (theirs[at] ?? Number.NaN) / value)).toFixed(2),
      target: '≥ 0.80',
    },
    {
      what: 'peak RSS of it, MiB',
      ours: peak.ours.toFixed(0),
      yardstick: `@tus/server: ${peak.theirs.toFixed(0)}`,
      ratio: (peak.ours / peak.theirs).toFixed(2),
      target: '< 150 MiB',
    },
  ];
}

/** A film, and the beginning of a box that players skip (ISO/IEC 14496-12, 8.1.2), which is all the rest. */
function firstChunk(film: Buffer, round: number): Buffer<ArrayBuffer> {
  const chunk = Buffer.alloc(CHUNK, round + 1);
  film.copy(chunk);
  chunk.writeUInt32BE(SIZE - film.length, film.length);
  chunk.write('free', film.length + 4, 'latin1');
  return chunk;
}

/** Seconds from creation to the last answer. */
async function upload(
  endpoint: string,
  first: Buffer<ArrayBuffer>,
  headers: Record<string, string>,
): Promise<number> {
  const rest = Buffer.alloc(CHUNK, 0x61);
  const started = performance.now();
  const tus = { ...headers, 'Tus-Resumable': '1.0.0' };
  const created = await fetch(endpoint, {
    method: 'POST',
    headers: { ...tus, 'Upload-Length': String(SIZE), 'Upload-Metadata': `filename ${btoa('film.mp4')}` },
  });
  if (created.status !== 201) throw new Error(`creation: ${created.status} ${await created.text()}`);
  const url = new URL(created.headers.get('Location') ?? '', endpoint);
  for (let offset = 0; offset < SIZE; offset += CHUNK) {
    const patched = await fetch(url, {
      method: 'PATCH',
      headers: { ...tus, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' },
      body: offset === 0 ? first : rest,
    });
    if (patched.status !== 204) throw new Error(`at ${offset}: ${patched.status} ${await patched.text()}`);
  }
  return (performance.now() - started) / 1000;
}
