import { Malformed, type Reader } from './reader.ts';

/** RFC 3533. `packets` are the lengths of what begins or goes on here; the last goes on when `open`. */
export type Page = {
  at: number;
  end: number;
  body: number;
  flags: number;
  granule: bigint;
  serial: number;
  packets: number[];
  open: boolean;
};

export const FIRST = 2;
const CRC_AT = 22;

export async function pageAt(reader: Reader, at: number): Promise<Page> {
  const head = await reader.bytes(at, 27);
  if (head.toString('latin1', 0, 5) !== 'OggS\0') throw new Malformed('has a page that is none');
  const [flags, granule, serial] = [head[5] ?? 0, head.readBigInt64LE(6), head.readUInt32LE(14)];
  const count = head[26] ?? 0;
  const lacing = await reader.bytes(at + 27, count);
  const packets: number[] = [];
  let length = 0;
  let body = 0;
  for (const value of lacing) {
    length += value;
    body += value;
    if (value === 255) continue;
    packets.push(length);
    length = 0;
  }
  const open = lacing.at(-1) === 255;
  if (open) packets.push(length);
  const start = at + 27 + count;
  if (start + body > reader.size) throw new Malformed('has a page that is cut');
  return { at, body: start, end: start + body, flags, granule, serial, packets, open };
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? 0x04c11db7 : 0);
  return value;
});

/** The check sum of a page, whose own place counts as zeros; and where it stands. */
export function checkOf(page: Uint8Array): Buffer {
  let crc = 0;
  for (let at = 0; at < page.length; at++) {
    const byte = at >= CRC_AT && at < CRC_AT + 4 ? 0 : (page[at] ?? 0);
    crc = ((crc << 8) ^ (TABLE[((crc >>> 24) ^ byte) & 255] ?? 0)) >>> 0;
  }
  const check = Buffer.alloc(4);
  check.writeUInt32LE(crc);
  return check;
}

export const checkAt = ({ at }: Page) => at + CRC_AT;
