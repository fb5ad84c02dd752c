import type { Redaction } from '../db/schema.ts';
import { durationOf, type Inspector, overwrite } from './findings.ts';
import { hidePicture } from './picture.ts';
import { Malformed, type Reader } from './reader.ts';
import { privateComments } from './vorbis-comment.ts';

const [STREAMINFO, PADDING, APPLICATION, COMMENT, PICTURE] = [0, 1, 2, 4, 6] as const;

/** RFC 9639: metadata blocks from the first, STREAMINFO, to the last. */
export const inspectFlac: Inspector = async (reader) => {
  const redactions: Redaction[] = [];
  let duration = {};
  let at = 4;
  for (let last = false; !last; ) {
    const head = (await reader.bytes(at, 4)).readUInt32BE();
    last = head >>> 31 === 1;
    const type = (head >>> 24) & 0x7f;
    const body = at + 4;
    const end = body + (head & 0xffffff);
    if (end > reader.size) throw new Malformed('has a block that is cut');
    if ((at === 4) !== (type === STREAMINFO)) throw new Malformed('has its blocks in disorder');
    const padding = () => [overwrite(at, 1, [(last ? 0x80 : 0) | PADDING]), overwrite(body, end - body)];
    if (type === STREAMINFO) duration = streamDuration(await reader.bytes(body, 34));
    else if (type === APPLICATION || (type > PICTURE && type < 127)) redactions.push(...padding());
    else if (type === COMMENT) {
      const hidden = await privateComments(reader.bytes, body, end);
      redactions.push(...hidden.map((place) => overwrite(place.at, place.length, '_=')));
    } else if (type === PICTURE) redactions.push(...((await hideCover(reader, body, end)) ?? padding()));
    at = end;
  }
  return { ...duration, redactions };
};

export function streamDuration(info: Buffer) {
  const rate = info.readUIntBE(10, 3) >>> 4;
  const samples = ((info[13] ?? 0) & 15) * 2 ** 32 + info.readUInt32BE(14);
  return durationOf(samples, rate);
}

/** Undefined where the picture must go as a whole. */
async function hideCover(reader: Reader, body: number, end: number): Promise<Redaction[] | undefined> {
  let at = body + 4;
  const redactions: Redaction[] = [];
  // MIME type, then description: a text of whoever made it.
  for (const isText of [false, true]) {
    const length = (await reader.bytes(at, 4)).readUInt32BE();
    if (at + 4 + length > end) return undefined;
    if (isText) redactions.push(overwrite(at + 4, length));
    at += 4 + length;
  }
  if (at + 20 > end) return undefined;
  const length = (await reader.bytes(at + 16, 4)).readUInt32BE();
  if (at + 20 + length > end) return undefined;
  const hidden = await hidePicture(reader, at + 20, length);
  return hidden && [...redactions, ...hidden];
}
