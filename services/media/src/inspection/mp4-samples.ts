import type { Redaction } from '../db/schema.ts';
import type { Box } from './boxes.ts';
import { overwrite } from './findings.ts';
import type { Track } from './mp4-track.ts';
import { Malformed, type Reader, TooMuch } from './reader.ts';

/** More chunks are refused before they are listed. */
const MAX_CHUNKS = 10_000;

/** Zeros for every chunk of a track's samples. */
export async function hideSamples(reader: Reader, { table }: Track): Promise<Redaction[]> {
  const offsets = table.get('stco') ?? table.get('co64');
  const [sizes, runs] = [table.get('stsz'), table.get('stsc')];
  if (offsets === undefined || sizes === undefined || runs === undefined) return [];
  const wide = offsets.type === 'co64';
  const chunks = await countOf(reader, offsets, 4);
  if (chunks > MAX_CHUNKS) throw new TooMuch('has more metadata than can be hidden');
  const perChunk = await samplesPerChunk(reader, runs, chunks);
  const uniform = (await reader.bytes(sizes.body + 4, 4)).readUInt32BE();
  const samples = await countOf(reader, sizes, 8);
  const hidden: Redaction[] = [];
  let sample = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const place = await reader.bytes(offsets.body + 8 + chunk * (wide ? 8 : 4), wide ? 8 : 4);
    const at = wide ? Number(place.readBigUInt64BE()) : place.readUInt32BE();
    const last = Math.min(samples, sample + (perChunk[chunk] ?? 0));
    let length = uniform * (last - sample);
    for (; sample < last; sample++) {
      if (uniform === 0) length += (await reader.bytes(sizes.body + 12 + sample * 4, 4)).readUInt32BE();
    }
    if (at + length > reader.size) throw new Malformed('has samples beyond its end');
    hidden.push(overwrite(at, length));
  }
  return hidden;
}

async function samplesPerChunk(reader: Reader, runs: Box, chunks: number): Promise<number[]> {
  const perChunk: number[] = [];
  const count = Math.min(await countOf(reader, runs, 4), chunks);
  for (let run = 0; run < count; run++) {
    const entry = await reader.bytes(runs.body + 8 + run * 12, 8);
    const [first, samples] = [entry.readUInt32BE(0), entry.readUInt32BE(4)];
    if (first < 1 || first > chunks) throw new Malformed('has chunks that are none');
    perChunk.fill(samples, first - 1);
    while (perChunk.length < chunks) perChunk.push(perChunk.length < first - 1 ? 0 : samples);
  }
  return perChunk;
}

const countOf = async (reader: Reader, { body }: Box, at: number) =>
  (await reader.bytes(body + at, 4)).readUInt32BE();
