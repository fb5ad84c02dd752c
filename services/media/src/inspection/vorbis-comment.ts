import { Malformed } from './reader.ts';

/** What players of music show, and what they need to play it as loud as the rest. */
const KEPT =
  /^(title|artist|album|albumartist|tracknumber|tracktotal|discnumber|disctotal|genre|performer|composer|encoder|replaygain_\w+|r128_\w+)=/i;
const MAX_COMMENTS = 10_000;

/** Where a list of comments lies, and how it is read, be it in one piece or in many. */
type Bytes = (at: number, length: number) => Promise<Buffer>;

/** The comments that are hidden: each becomes `_=` and zeros. The vendor, an encoder's name, stays. */
export async function privateComments(bytes: Bytes, from: number, size: number) {
  const hidden: { at: number; length: number }[] = [];
  const u32 = async (at: number) => (await bytes(at, 4)).readUInt32LE();
  let at = from + 4 + (await u32(from));
  const count = await u32(at);
  if (count > MAX_COMMENTS) throw new Malformed('has too many comments');
  at += 4;
  for (let comment = 0; comment < count; comment++) {
    const length = await u32(at);
    at += 4;
    if (at + length > size) throw new Malformed('has a comment that is cut');
    const name = (await bytes(at, Math.min(length, 40))).toString('latin1');
    if (!KEPT.test(name) && length >= 2) hidden.push({ at, length });
    at += length;
  }
  return hidden;
}
