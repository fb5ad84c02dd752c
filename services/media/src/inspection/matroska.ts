import type { Redaction } from '../db/schema.ts';
import { CRC, type Element, elementAt, elements, floatOf, unsignedOf, voided } from './ebml.ts';
import { durationOf, type Inspector } from './findings.ts';
import { hideAttachments } from './matroska-attachments.ts';
import { Malformed, type Reader } from './reader.ts';

const SEGMENT = 0x18538067;
const [INFO, TRACKS, TAGS, ATTACHMENTS, CLUSTER] = [
  0x1549a966, 0x1654ae6b, 0x1254c367, 0x1941a469, 0x1f43b675,
];
/** What may follow a cluster of unknown size. */
const TOP = new Set([INFO, TRACKS, TAGS, ATTACHMENTS, CLUSTER, 0x114d9b74, 0x1c53bb6b, 0x1043a770]);
const [TIMESTAMP, SIMPLE_BLOCK, BLOCK_GROUP, BLOCK] = [0xe7, 0xa3, 0xa0, 0xa1] as const;

type State = {
  scale: number;
  ticks: number;
  lastTick: number;
  pictures: boolean;
  sound: boolean;
  width?: number;
  height?: number;
  redactions: Redaction[];
};

/** RFC 9559, WebM and Matroska: one segment; sizes may be unknown where it was recorded live. */
export const inspectMatroska: Inspector = async (reader) => {
  const header = await elementAt(reader, 0);
  const segment = await elementAt(reader, header.end);
  if (segment.id !== SEGMENT) throw new Malformed('has no segment');
  if (segment.end !== Number.POSITIVE_INFINITY && segment.end > reader.size) throw new Malformed('is cut');
  const end = Math.min(segment.end, reader.size);
  const state: State = { scale: 1e6, ticks: 0, lastTick: 0, pictures: false, sound: false, redactions: [] };
  for (let at = segment.body; at < end; ) {
    const element = await elementAt(reader, at);
    if (element.end !== Number.POSITIVE_INFINITY && element.end > end) throw new Malformed('is cut');
    at = await visit(reader, element, end, state);
  }
  if (!state.pictures && !state.sound) throw new Malformed('holds neither pictures nor sound');
  const { width, height } = state;
  return {
    kind: state.pictures ? 'video' : 'audio',
    ...(width && height ? { width, height } : {}),
    ...durationOf((state.ticks || state.lastTick) * state.scale, 1e9),
    redactions: state.redactions,
    end,
  };
};

async function visit(reader: Reader, element: Element, end: number, state: State): Promise<number> {
  if (element.id === CLUSTER) return visitCluster(reader, element, end, state);
  if (element.end === Number.POSITIVE_INFINITY) throw new Malformed('has an element without size');
  if (element.id === INFO) await visitInfo(reader, element, state);
  else if (element.id === TRACKS) await visitTracks(reader, element, state);
  else if (element.id === TAGS) state.redactions.push(voided(element));
  else if (element.id === ATTACHMENTS) state.redactions.push(...(await hideAttachments(reader, element)));
  return element.end;
}

async function visitInfo(reader: Reader, info: Element, state: State): Promise<void> {
  let sum: Element | undefined;
  for await (const element of elements(reader, info.body, info.end)) {
    if (element.id === 0x2ad7b1) state.scale = await unsignedOf(reader, element);
    else if (element.id === 0x4489) state.ticks = await floatOf(reader, element);
    else if (element.id === CRC) sum = element;
    // When it was made; the sum of all holds no more.
    else if (element.id === 0x4461) state.redactions.push(voided(element), ...(sum ? [voided(sum)] : []));
  }
}

async function visitTracks(reader: Reader, tracks: Element, state: State): Promise<void> {
  for await (const entry of elements(reader, tracks.body, tracks.end)) {
    if (entry.id !== 0xae) continue;
    let type = 0;
    let size: { width: number; height: number } | undefined;
    for await (const element of elements(reader, entry.body, entry.end)) {
      if (element.id === 0x83) type = await unsignedOf(reader, element);
      else if (element.id === 0xe0) size = await sizeOf(reader, element);
    }
    if (type === 2) state.sound = true;
    if (type !== 1 || state.pictures) continue;
    state.pictures = true;
    Object.assign(state, size);
  }
}

async function sizeOf(reader: Reader, video: Element) {
  const size = { width: 0, height: 0 };
  for await (const element of elements(reader, video.body, video.end)) {
    if (element.id === 0xb0) size.width = await unsignedOf(reader, element);
    else if (element.id === 0xba) size.height = await unsignedOf(reader, element);
  }
  return size;
}

/** Skips a cluster where it can; walks it where its size is unknown, or the duration is. */
async function visitCluster(reader: Reader, cluster: Element, end: number, state: State): Promise<number> {
  const open = cluster.end === Number.POSITIVE_INFINITY;
  if (!open && state.ticks > 0) return cluster.end;
  const to = open ? end : cluster.end;
  let base = 0;
  let at = cluster.body;
  while (at < to) {
    const element = await elementAt(reader, at);
    if (open && TOP.has(element.id)) return at;
    if (element.end > to) {
      // A recording that broke off in the middle of a block.
      if (open) return end;
      throw new Malformed('is cut');
    }
    if (element.id === TIMESTAMP) base = await unsignedOf(reader, element);
    else if (element.id === SIMPLE_BLOCK) await visitBlock(reader, element, base, state);
    else if (element.id === BLOCK_GROUP) {
      for await (const part of elements(reader, element.body, element.end)) {
        if (part.id === BLOCK) await visitBlock(reader, part, base, state);
      }
    }
    at = element.end;
  }
  return to;
}

async function visitBlock(reader: Reader, { body, end }: Element, base: number, state: State): Promise<void> {
  const head = await reader.upTo(body, Math.min(end - body, 4));
  const trackLength = Math.clz32(head[0] ?? 0) - 23;
  if (head.length < trackLength + 2) return;
  state.lastTick = Math.max(state.lastTick, base + head.readInt16BE(trackLength));
}
