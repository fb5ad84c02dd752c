import type { Redaction } from '../db/schema.ts';
import { overwrite } from './findings.ts';
import { hidePicture } from './picture.ts';
import { Malformed, type Reader } from './reader.ts';

/** Titles, artists, album, numbers, genre, and what players need. In ID3 2.2 names have three letters. */
const KEPT = new Set(
  (
    'TIT1 TIT2 TIT3 TPE1 TPE2 TPE3 TPE4 TALB TRCK TPOS TCON TLEN TBPM TCOM TSSE RVA2 RVAD MLLT ' +
    'TT1 TT2 TT3 TP1 TP2 TP3 TP4 TAL TRK TPA TCO TLE TBP TCM TSS RVA MLL'
  ).split(' '),
);

const syncsafe = (bytes: Buffer, at: number) =>
  ((bytes[at] ?? 0) << 21) |
  ((bytes[at + 1] ?? 0) << 14) |
  ((bytes[at + 2] ?? 0) << 7) |
  (bytes[at + 3] ?? 0);

/** The ID3v2 tag at the file's beginning: where it ends, and what of it is hidden. */
export async function readTag(reader: Reader): Promise<{ end: number; redactions: Redaction[] }> {
  const head = await reader.upTo(0, 10);
  if (head.toString('latin1', 0, 3) !== 'ID3') return { end: 0, redactions: [] };
  if (head.length < 10 || [6, 7, 8, 9].some((at) => (head[at] ?? 0) > 127))
    throw new Malformed('has a broken tag');
  const [version = 0, flags = 0] = [head[3], head[5]];
  const end = 10 + syncsafe(head, 6);
  if (end > reader.size) throw new Malformed('has a tag that is cut');
  const total = end + (flags & 0x10 ? 10 : 0);
  // Whole, as padding: what is escaped, or stranger yet.
  const all = { end: total, redactions: [overwrite(5, 1, [flags & 0x10]), overwrite(10, end - 10)] };
  if ((flags & ~0x10) !== 0 || version < 2 || version > 4) return all;
  const redactions = await hideFrames(reader, version, end);
  return redactions === undefined ? all : { end: total, redactions };
}

async function hideFrames(reader: Reader, version: number, end: number): Promise<Redaction[] | undefined> {
  const redactions: Redaction[] = [];
  const [idLength, headLength] = version === 2 ? [3, 6] : [4, 10];
  for (let at = 10; at + headLength <= end; ) {
    const head = await reader.bytes(at, headLength);
    if (head[0] === 0) break;
    const id = head.toString('latin1', 0, idLength);
    const length =
      version === 2 ? head.readUIntBE(3, 3) : version === 3 ? head.readUInt32BE(4) : syncsafe(head, 4);
    const body = at + headLength;
    if (!/^[A-Z0-9]+$/.test(id) || body + length > end) return undefined;
    const plain = version === 2 || head[9] === 0;
    const cover = (id === 'APIC' || id === 'PIC') && plain;
    const hidden = cover ? await hideCover(reader, body, length, version === 2) : undefined;
    if (hidden !== undefined) redactions.push(...hidden);
    // X to Z are for experiments: players pass over what they do not know.
    else if (!KEPT.has(id)) redactions.push(overwrite(at, idLength, 'XXXX'), overwrite(body, length));
    at = body + length;
  }
  return redactions;
}

/** Encoding, type, kind, description, picture. Undefined where it must go as a whole. */
async function hideCover(reader: Reader, body: number, length: number, old: boolean) {
  const head = Buffer.from(await reader.upTo(body, Math.min(length, 512)));
  const kind = old ? 4 : head.indexOf(0, 1) + 1;
  const wide = head[0] === 1 || head[0] === 2;
  let description = kind + 1;
  if (kind === 0) return undefined;
  if (wide) while (description + 1 < head.length && head.readUInt16BE(description) !== 0) description += 2;
  else description = head.indexOf(0, description);
  if (description < 0 || description + 2 > head.length) return undefined;
  const picture = description + (wide ? 2 : 1);
  const hidden = await hidePicture(reader, body + picture, length - picture);
  return hidden && [spaces(head.subarray(kind + 1, description), body + kind + 1, head[0] ?? 0), ...hidden];
}

/** In the place of a description, which zeros would end too early. Encoding 1 begins by telling its order. */
function spaces(description: Buffer, at: number, encoding: number): Redaction {
  if (encoding === 0 || encoding === 3) {
    return overwrite(at, description.length, Buffer.alloc(description.length, ' '));
  }
  const mark = encoding === 1 ? description.subarray(0, 2) : Buffer.alloc(0);
  const space = mark[0] === 0xff ? ' \0' : '\0 ';
  const text = Buffer.alloc(description.length - mark.length, space, 'latin1');
  return overwrite(at, description.length, Buffer.concat([mark, text]));
}

/** What stands behind the sound: ID3v1 loses its comment, APE's and Lyrics3's tags go. */
export async function hideTrailingTags(reader: Reader): Promise<Redaction[]> {
  const redactions: Redaction[] = [];
  let end = reader.size;
  const last = end >= 128 ? await reader.bytes(end - 128, 128) : Buffer.alloc(0);
  if (last.toString('latin1', 0, 3) === 'TAG') {
    const hasTrack = last[125] === 0 && last[126] !== 0;
    redactions.push(overwrite(end - 35, 4), overwrite(end - 31, hasTrack ? 28 : 30));
    end -= 128;
  }
  const tail = await reader.upTo(Math.max(0, end - 32), Math.min(32, end));
  if (tail.toString('latin1', 0, 8) === 'APETAGEX') {
    const length = tail.readUInt32LE(12) + (tail.readUInt32LE(20) >>> 31) * 32;
    redactions.push(overwrite(Math.max(0, end - length), Math.min(end, length)));
  } else if (tail.toString('latin1').endsWith('LYRICS200')) {
    const length = Number(tail.toString('latin1', 17, 23)) + 15;
    if (Number.isInteger(length) && length <= end) redactions.push(overwrite(end - length, length));
  }
  return redactions;
}
