import { durationOf, type Inspector } from './findings.ts';
import { hideTrailingTags, readTag } from './id3.ts';
import { Malformed } from './reader.ts';

const RATES = [96, 88.2, 64, 48, 44.1, 32, 24, 22.05, 16, 12, 11.025, 8, 7.35];

/** AAC in ADTS: every frame, as nothing tells how many there are. */
export const inspectAdts: Inspector = async (reader) => {
  const tag = await readTag(reader);
  let blocks = 0;
  let rate = 0;
  for (let at = tag.end; at + 7 <= reader.size; ) {
    const head = await reader.bytes(at, 7);
    // What follows the last frame is a tag.
    if (head.readUInt16BE(0) >>> 4 !== 0xfff) break;
    const length = (head.readUIntBE(3, 3) >>> 5) & 0x1fff;
    if (length < 7) throw new Malformed('has a frame that is none');
    rate ||= (RATES[((head[2] ?? 0) >>> 2) & 15] ?? 0) * 1000;
    blocks += ((head[6] ?? 0) & 3) + 1;
    at += length;
  }
  if (blocks === 0 || rate === 0) throw new Malformed('holds no sound');
  const redactions = [...tag.redactions, ...(await hideTrailingTags(reader))];
  return { ...durationOf(blocks * 1024, rate), redactions };
};
