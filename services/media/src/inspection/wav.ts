import type { Redaction } from '../db/schema.ts';
import { durationOf, type Inspector, overwrite } from './findings.ts';
import { Malformed, type Reader } from './reader.ts';

/** What is played. `bext`, `iXML`, `_PMX` (XMP), `id3 ` and the like go. */
const KEPT = new Set([
  'fmt ',
  'data',
  'fact',
  'cue ',
  'smpl',
  'inst',
  'plst',
  'PEAK',
  'ds64',
  'JUNK',
  'PAD ',
]);
const KEPT_INFO = new Set(['INAM', 'IART', 'IPRD', 'IGNR', 'ITRK', 'ISFT']);
const LONG = 0xffff_ffff;

/** RIFF WAVE, and RF64 for what is longer. */
export const inspectWav: Inspector = async (reader) => {
  const redactions: Redaction[] = [];
  let rate = 0;
  let dataBytes: number | undefined;
  let longData = 0;
  const told = 8 + (await reader.bytes(4, 4)).readUInt32LE();
  // Not told by who recorded into a pipe, nor by RF64.
  const end = told === 8 || told > LONG ? reader.size : told;
  if (end > reader.size) throw new Malformed('is cut');
  for (let at = 12; at + 8 <= end; ) {
    const head = await reader.bytes(at, 8);
    const type = head.toString('latin1', 0, 4);
    let length = head.readUInt32LE(4);
    const body = at + 8;
    if (type === 'ds64') longData = Number((await reader.bytes(body, 16)).readBigUInt64LE(8));
    // A recorder that was switched off has not told the length.
    if (type === 'data' && (length === LONG || length === 0)) length = longData || end - body;
    if (body + length > end) throw new Malformed('has a chunk that is cut');
    if (type === 'fmt ') rate = (await reader.bytes(body, 16)).readUInt32LE(8);
    else if (type === 'data') dataBytes ??= length;
    else if (type === 'LIST') redactions.push(...(await hideList(reader, at, body, length)));
    else if (!KEPT.has(type)) redactions.push(...junk(at, length));
    at = body + length + (length % 2);
  }
  if (rate === 0 || dataBytes === undefined) throw new Malformed('holds no sound');
  redactions.push(overwrite(end, reader.size - end));
  return { ...durationOf(dataBytes, rate), redactions };
};

const junk = (at: number, length: number) => [overwrite(at, 4, 'JUNK'), overwrite(at + 8, length)];

/** `INFO` is left with what players show; other lists, such as notes at a place, go. */
async function hideList(reader: Reader, at: number, body: number, length: number): Promise<Redaction[]> {
  if (length < 4 || (await reader.bytes(body, 4)).toString('latin1') !== 'INFO') return junk(at, length);
  const redactions: Redaction[] = [];
  const end = body + length;
  for (let entry = body + 4; entry + 8 <= end; ) {
    const head = await reader.bytes(entry, 8);
    const size = head.readUInt32LE(4);
    if (entry + 8 + size > end) return junk(at, length);
    if (!KEPT_INFO.has(head.toString('latin1', 0, 4))) redactions.push(...junk(entry, size));
    entry += 8 + size + (size % 2);
  }
  return redactions;
}
