import type { Redaction } from '../db/schema.ts';
import { type Inspector, overwrite } from './findings.ts';
import { checkAt, checkOf, FIRST, type Page, pageAt } from './ogg-pages.ts';
import { type Stream, streamOf } from './ogg-streams.ts';
import { MAX_PIECE, Malformed, type Reader } from './reader.ts';
import { privateComments } from './vorbis-comment.ts';

/** Pages that hold headers: a cover in the comments takes many. */
const MAX_HEADER_PAGES = 2000;
const MAX_STREAMS = 32;
const TAIL = 128 * 1024;

/** A part of the second packet, where the comments are. */
type Piece = { page: Page; at: number; length: number };
type Open = { stream: Stream; packets: number; pieces: Piece[] };

/** RFC 3533: streams tell what they are in their first pages, and have comments in their second packets. */
export const inspectOgg: Inspector = async (reader) => {
  const streams = await readHeaders(reader);
  const of = (kind: Stream['kind']) => [...streams].filter(([, { stream }]) => stream.kind === kind);
  const [shown] = [...of('video'), ...of('audio')];
  if (shown === undefined) throw new Malformed('holds neither pictures nor sound');
  const [serial, { stream }] = shown;
  const redactions: Redaction[] = [];
  for (const { stream: each, pieces } of streams.values()) {
    if (each.comments !== undefined) redactions.push(...(await hideComments(reader, pieces, each.comments)));
  }
  const granule = await lastGranule(reader, serial);
  return {
    kind: stream.kind === 'video' ? 'video' : 'audio',
    ...(stream.width && stream.height ? { width: stream.width, height: stream.height } : {}),
    ...(granule === undefined ? {} : stream.duration(granule)),
    redactions,
  };
};

async function readHeaders(reader: Reader): Promise<Map<number, Open>> {
  const streams = new Map<number, Open>();
  let at = 0;
  for (let pages = 0; at < reader.size; pages++) {
    if (pages > MAX_HEADER_PAGES) throw new Malformed('has headers that do not end');
    const page = await pageAt(reader, at);
    at = page.end;
    if (page.flags & FIRST) {
      const packet = Buffer.from(await reader.bytes(page.body, page.packets[0] ?? 0));
      streams.set(page.serial, { stream: streamOf(packet), packets: 1, pieces: [] });
      if (streams.size > MAX_STREAMS) throw new Malformed('has too many streams');
      continue;
    }
    const open = streams.get(page.serial);
    if (open !== undefined) collect(open, page);
    const waits = [...streams.values()].some(
      (each) => each.stream.comments !== undefined && each.packets < 2,
    );
    if (!waits) break;
  }
  return streams;
}

/** Adds what of the second packet lies in this page. */
function collect(open: Open, page: Page): void {
  let at = page.body;
  for (const [index, length] of page.packets.entries()) {
    if (open.packets !== 1) return;
    open.pieces.push({ page, at, length });
    at += length;
    if (!(page.open && index === page.packets.length - 1)) open.packets += 1;
  }
}

async function hideComments(reader: Reader, pieces: readonly Piece[], from: number): Promise<Redaction[]> {
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  /** The parts of the file that hold so many bytes of the packet. */
  function placesOf(at: number, length: number): Piece[] {
    const places: Piece[] = [];
    let start = 0;
    for (const piece of pieces) {
      const [first, last] = [Math.max(at, start), Math.min(at + length, start + piece.length)];
      if (first < last) places.push({ page: piece.page, at: piece.at + first - start, length: last - first });
      start += piece.length;
    }
    return places;
  }
  async function bytes(at: number, length: number): Promise<Buffer> {
    if (at + length > size || length > MAX_PIECE) throw new Malformed('has comments that are cut');
    const parts: Buffer[] = [];
    for (const place of placesOf(at, length))
      parts.push(Buffer.from(await reader.bytes(place.at, place.length)));
    return Buffer.concat(parts);
  }
  const redactions: Redaction[] = [];
  const pages = new Map<number, { page: Page; changes: Redaction[] }>();
  for (const { at, length } of await privateComments(bytes, from, size)) {
    let name = '_=';
    for (const place of placesOf(at, length)) {
      const change = overwrite(place.at, place.length, name);
      name = name.slice(place.length);
      redactions.push(change);
      const touched = pages.get(place.page.at) ?? { page: place.page, changes: [] };
      touched.changes.push(change);
      pages.set(place.page.at, touched);
    }
  }
  for (const { page, changes } of pages.values()) redactions.push(await newCheck(reader, page, changes));
  return redactions;
}

/** Players refuse a page whose sum is wrong. */
async function newCheck(reader: Reader, page: Page, changes: readonly Redaction[]): Promise<Redaction> {
  const bytes = Buffer.from(await reader.bytes(page.at, page.end - page.at));
  for (const { at, length, bytes: prefix } of changes) {
    bytes.fill(0, at - page.at, at - page.at + length);
    bytes.set(Buffer.from(prefix, 'base64'), at - page.at);
  }
  return overwrite(checkAt(page), 4, checkOf(bytes));
}

/** From the last page of the stream, looked for in the file's tail. */
async function lastGranule(reader: Reader, serial: number): Promise<bigint | undefined> {
  const from = Math.max(0, reader.size - TAIL);
  const tail = Buffer.from(await reader.bytes(from, reader.size - from));
  for (let at = tail.lastIndexOf('OggS'); at !== -1; at = at === 0 ? -1 : tail.lastIndexOf('OggS', at - 1)) {
    if (at + 18 > tail.length || tail.readUInt32LE(at + 14) !== serial) continue;
    const granule = tail.readBigInt64LE(at + 6);
    if (granule >= 0n) return granule;
  }
  return undefined;
}
