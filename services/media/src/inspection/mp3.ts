import { durationOf, type Inspector } from './findings.ts';
import { hideTrailingTags, readTag } from './id3.ts';
import { Malformed } from './reader.ts';

const RATES = [44_100, 48_000, 32_000];
/** kbit/s of layer III: MPEG 1, and MPEG 2 and 2.5. */
const BITRATES = [
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
/** Players find the first frame behind what fills a tag up. */
const MAX_PADDING = 64 * 1024;

/** Layer III: the first frame, which in files of a changing rate tells how many there are. */
export const inspectMp3: Inspector = async (reader) => {
  const tag = await readTag(reader);
  const redactions = [...tag.redactions, ...(await hideTrailingTags(reader))];
  const padding = await reader.upTo(tag.end, MAX_PADDING);
  const first = padding.findIndex((byte) => byte !== 0);
  if (first === -1) throw new Malformed('holds no sound');
  const at = tag.end + first;
  const frame = await reader.upTo(at, 200);
  const head = frame.length < 4 ? 0 : frame.readUInt32BE(0);
  const version = (head >>> 19) & 3;
  const rate = (RATES[(head >>> 10) & 3] ?? 0) / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const kbits = BITRATES[version === 3 ? 0 : 1][(head >>> 12) & 15] ?? 0;
  const isLayer3 = ((head >>> 17) & 3) === 1;
  if (head >>> 21 !== 0x7ff || version === 1 || !isLayer3 || rate === 0)
    throw new Malformed('holds no sound');
  const samples = version === 3 ? 1152 : 576;
  const mono = ((head >>> 6) & 3) === 3;
  const side = version === 3 ? (mono ? 17 : 32) : mono ? 9 : 17;
  const frames = framesOf(frame, 4 + side);
  if (frames > 0) return { ...durationOf(frames * samples, rate), redactions };
  return { ...durationOf((reader.size - at) * 8, kbits * 1000), redactions };
};

/** Xing's header, or Fraunhofer's. */
function framesOf(frame: Buffer, xing: number): number {
  const name = frame.toString('latin1', xing, xing + 4);
  if ((name === 'Xing' || name === 'Info') && frame.length >= xing + 12) {
    return (frame[xing + 7] ?? 0) & 1 ? frame.readUInt32BE(xing + 8) : 0;
  }
  return frame.toString('latin1', 36, 40) === 'VBRI' && frame.length >= 54 ? frame.readUInt32BE(50) : 0;
}
