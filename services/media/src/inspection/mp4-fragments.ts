import type { Redaction } from '../db/schema.ts';
import { type Box, boxes, freed, isPrivate } from './boxes.ts';
import type { Track } from './mp4-track.ts';
import type { Reader } from './reader.ts';

/** `moof`: where its longest track ends, seconds, and what of it is hidden. */
export async function inspectFragment(reader: Reader, moof: Box, tracks: ReadonlyMap<number, Track>) {
  const redactions: Redaction[] = [];
  let seconds = 0;
  for await (const box of boxes(reader, moof.body, moof.end)) {
    if (box.type === 'traf') {
      const run = await inspectRun(reader, box, tracks);
      seconds = Math.max(seconds, run.seconds);
      redactions.push(...run.redactions);
    } else if (box.type === 'udta' || box.type === 'meta') redactions.push(...freed(box));
  }
  return { seconds, redactions };
}

async function inspectRun(reader: Reader, traf: Box, tracks: ReadonlyMap<number, Track>) {
  const redactions: Redaction[] = [];
  let track: Track | undefined;
  let [ticks, sampleTicks] = [0, 0];
  for await (const box of boxes(reader, traf.body, traf.end)) {
    // `uuid` stays: players of smooth streaming need theirs.
    if (isPrivate(box) && box.type !== 'uuid') redactions.push(...freed(box));
    const head = await reader.upTo(box.body, Math.min(box.end - box.body, 32));
    if (head.length < 8) continue;
    const flags = head.readUIntBE(1, 3);
    if (box.type === 'tfhd') {
      track = tracks.get(head.readUInt32BE(4));
      sampleTicks = track?.sampleTicks ?? 0;
      const at = 8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0);
      if (flags & 8 && head.length >= at + 4) sampleTicks = head.readUInt32BE(at);
    } else if (box.type === 'tfdt') {
      ticks = head[0] === 1 && head.length >= 12 ? Number(head.readBigUInt64BE(4)) : head.readUInt32BE(4);
    } else if (box.type === 'trun') {
      ticks += await runTicks(reader, box, flags, head.readUInt32BE(4), sampleTicks);
    }
  }
  if (track?.isMetadata) redactions.push(...freed(traf));
  return { seconds: track?.timescale ? ticks / track.timescale : 0, redactions };
}

async function runTicks(reader: Reader, box: Box, flags: number, samples: number, sampleTicks: number) {
  if ((flags & 0x100) === 0) return samples * sampleTicks;
  const width = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4;
  const first = box.body + 8 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
  let ticks = 0;
  for (let at = first; at + width <= box.end; at += width)
    ticks += (await reader.bytes(at, 4)).readUInt32BE();
  return ticks;
}
