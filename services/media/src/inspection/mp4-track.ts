import type { Redaction } from '../db/schema.ts';
import { type Box, boxes, freed, isPrivate } from './boxes.ts';
import { datesOf, readHeader } from './mp4-header.ts';
import type { Reader } from './reader.ts';

export type Track = {
  id: number;
  /** `vide`, `soun`, `meta` and so on. */
  handler: string;
  width: number;
  height: number;
  timescale: number;
  /** Ticks of a sample, where fragments do not tell. */
  sampleTicks: number;
  samples: number;
  /** A still picture that goes with sound. */
  isCover: boolean;
  /** Neither seen nor heard: places, sensors, faces. */
  isMetadata: boolean;
  /** The sample table's boxes, by type. */
  table: Map<string, Box>;
  redactions: Redaction[];
};

const METADATA = new Set(['meta', 'camm', 'data', 'gpmd']);
const STILL = new Set(['jpeg', 'png ', 'mjpa']);

export async function inspectTrack(reader: Reader, trak: Box): Promise<Track> {
  const track: Track = {
    ...{ id: 0, handler: '', width: 0, height: 0, timescale: 0, sampleTicks: 0, samples: 0 },
    ...{ isCover: false, isMetadata: false, table: new Map<string, Box>(), redactions: [] },
  };
  await walk(reader, trak, track);
  track.isMetadata = METADATA.has(track.handler);
  if (track.isMetadata) track.redactions = freed(trak);
  return track;
}

async function walk(reader: Reader, parent: Box, track: Track): Promise<void> {
  for await (const box of boxes(reader, parent.body, parent.end)) {
    if (isPrivate(box)) track.redactions.push(...freed(box));
    else if (['mdia', 'minf', 'stbl'].includes(box.type)) await walk(reader, box, track);
    else if (box.type === 'tkhd') await readTrackHeader(reader, box, track);
    else if (box.type === 'mdhd') {
      const { timescale, dates } = await readHeader(reader, box);
      track.timescale = timescale;
      track.redactions.push(...dates);
    } else if (box.type === 'hdlr' && parent.type === 'mdia') {
      track.handler = (await reader.bytes(box.body + 8, 4)).toString('latin1');
    } else if (parent.type === 'stbl') {
      track.table.set(box.type, box);
      if (box.type === 'stsd') await readDescription(reader, box, track);
      if (box.type === 'stsz') track.samples = (await reader.bytes(box.body + 8, 4)).readUInt32BE();
    }
  }
}

async function readTrackHeader(reader: Reader, { body }: Box, track: Track): Promise<void> {
  const [version] = await reader.bytes(body, 1);
  const wide = version === 1;
  const head = await reader.bytes(body, wide ? 96 : 84);
  track.redactions.push(...datesOf(head, body, wide));
  track.id = head.readUInt32BE(wide ? 20 : 12);
  const matrix = wide ? 52 : 40;
  const size = { width: head.readUInt16BE(matrix + 36), height: head.readUInt16BE(matrix + 40) };
  // The matrix' first and fifth figures are 0 where the picture is turned by a quarter.
  const lies = head.readInt32BE(matrix) === 0 && head.readInt32BE(matrix + 16) === 0;
  const turned = lies && head.readInt32BE(matrix + 4) !== 0;
  track.width = turned ? size.height : size.width;
  track.height = turned ? size.width : size.height;
}

async function readDescription(reader: Reader, { body, end }: Box, track: Track): Promise<void> {
  if (end - body < 8 + 36) return;
  const entry = await reader.bytes(body + 8, 36);
  track.isCover = STILL.has(entry.toString('latin1', 4, 8));
  if (track.handler !== 'vide' || track.width !== 0) return;
  track.width = entry.readUInt16BE(32);
  track.height = entry.readUInt16BE(34);
}
