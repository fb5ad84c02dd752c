import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Person, signUp } from '../e2e/people.ts';
import { type Stack, startStack } from '../e2e/stack.ts';
import { startNginx } from './nginx.ts';
import { cpuSeconds, rssMiB } from './process.ts';
import { askRanges } from './range-client.ts';
import type { BenchRow } from './row.ts';
import { median } from './statistics.ts';

const SIZE = 1024 ** 3;
const CHUNK = 8 * 1024 ** 2;
const ROUNDS = 5;
const RANGE = 4096;
const CLIENTS = 32;
const RANGES_MS = 4000;

type Server = { url: URL; pid: number };

/**
 * A gigabyte to one client, and small ranges to many, against nginx that serves the same bytes from a folder
 * and asks nobody whether it may. Ours is a process of its own, at the level of logs that production has.
 */
export async function downloadBench(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-bench-'));
  const nginx = await startNginx(folder);
  if (nginx === undefined) {
    await rm(folder, { recursive: true, force: true });
    return [{ what: 'downloads', ours: '', yardstick: 'nginx is not installed', ratio: '', target: '' }];
  }
  const stack = await startStack({ LOG_LEVEL: 'info', RATE_LIMIT_SCALE: '1000' });
  const person = await signUp(stack, 'bench');
  const id = await upload(stack, person, join(folder, 'sound.wav'));
  const ours = { url: new URL(`${stack.url('media')}/media/${id}/content`), pid: stack.pid('media') };
  const theirs = { url: new URL(`${nginx.url}/sound.wav`), pid: nginx.pid };

  const whole = await inTurn([ours, theirs], download);
  const ranges = await inTurn([ours, theirs], ({ url }) => rangesOf(url));
  const peak = rssMiB(ours.pid, 'VmHWM');
  await Promise.all([nginx.stop(), stack.stop()]);
  await rm(folder, { recursive: true, force: true });
  return [
    row('download of 1 GiB by one client, MiB a second', whole, '≥ 0.80'),
    row(`ranges of ${RANGE} bytes to ${CLIENTS} clients, a second`, ranges, ''),
    {
      what: 'the same, a CPU second of the server',
      ours: median(ranges.map(([our]) => our.perCpu)).toFixed(0),
      yardstick: `nginx: ${median(ranges.map(([, their]) => their.perCpu)).toFixed(0)}`,
      ratio: median(ranges.map(([our, their]) => our.perCpu / their.perCpu)).toFixed(2),
      target: '',
    },
    { what: 'peak RSS of it, MiB', ours: peak.toFixed(0), yardstick: '', ratio: '', target: '< 200' },
  ];
}

type Figure = { perSecond: number; perCpu: number };

/** Both in each round, so that whatever else the machine does strikes both. The first round is not counted. */
async function inTurn(
  servers: readonly [Server, Server],
  work: (server: Server) => Promise<number>,
): Promise<[Figure, Figure][]> {
  const rounds: [Figure, Figure][] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const [ours, theirs] = [await measured(servers[0], work), await measured(servers[1], work)];
    if (round > 0) rounds.push([ours, theirs]);
  }
  return rounds;
}

async function measured(server: Server, work: (server: Server) => Promise<number>): Promise<Figure> {
  const [started, cpu] = [performance.now(), cpuSeconds(server.pid)];
  const done = await work(server);
  return {
    perSecond: done / ((performance.now() - started) / 1000),
    perCpu: done / (cpuSeconds(server.pid) - cpu),
  };
}

function row(what: string, rounds: readonly [Figure, Figure][], target: string): BenchRow {
  return {
    what,
    ours: median(rounds.map(([ours]) => ours.perSecond)).toFixed(0),
    yardstick: `nginx: ${median(rounds.map(([, theirs]) => theirs.perSecond)).toFixed(0)}`,
    ratio: median(rounds.map(([ours, theirs]) => ours.perSecond / theirs.perSecond)).toFixed(2),
    target,
  };
}

/** MiB that came. */
async function download({ url }: Server): Promise<number> {
  const answer = await fetch(url);
  let bytes = 0;
  for await (const part of answer.body ?? []) bytes += part.length;
  if (bytes !== SIZE) throw new Error(`${bytes} bytes of ${url}`);
  return bytes / 1024 ** 2;
}

async function rangesOf(url: URL): Promise<number> {
  const asked = { size: SIZE, length: RANGE, end: performance.now() + RANGES_MS };
  const answered = await Promise.all(Array.from({ length: CLIENTS }, () => askRanges(url, asked)));
  return answered.reduce((sum, count) => sum + count, 0);
}

/** A sound of a gigabyte by tus, and the same in a file. */
async function upload(stack: Stack, person: Person, path: string): Promise<string> {
  const endpoint = `${stack.url('media')}/media/uploads`;
  const tus = { Authorization: `Bearer ${person.token}`, 'Tus-Resumable': '1.0.0' };
  const created = await fetch(endpoint, {
    method: 'POST',
    headers: { ...tus, 'Upload-Length': String(SIZE), 'Upload-Metadata': `filename ${btoa('sound.wav')}` },
  });
  const url = new URL(created.headers.get('Location') ?? '', endpoint);
  const file = Bun.file(path).writer();
  let mediaId = '';
  for (let offset = 0; offset < SIZE; offset += CHUNK) {
    const part = Buffer.alloc(CHUNK, 0x80);
    if (offset === 0) wavHeader(SIZE).copy(part);
    await file.write(part);
    const patched = await fetch(url, {
      method: 'PATCH',
      headers: { ...tus, 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' },
      body: part,
    });
    if (patched.status !== 204) throw new Error(`at ${offset}: ${patched.status} ${await patched.text()}`);
    mediaId = patched.headers.get('Media-Id') ?? '';
  }
  await file.end();
  return mediaId;
}

/** Of 8-bit mono at 8 kHz. */
function wavHeader(size: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(size - 8, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(8000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(size - 44, 40);
  return header;
}
