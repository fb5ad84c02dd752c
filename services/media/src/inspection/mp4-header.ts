import type { Redaction } from '../db/schema.ts';
import type { Box } from './boxes.ts';
import { overwrite } from './findings.ts';
import type { Reader } from './reader.ts';

/** `mvhd`, `mdhd`: when it was made, ticks a second, and ticks. */
export async function readHeader(reader: Reader, { body }: Box) {
  const [version] = await reader.bytes(body, 1);
  const wide = version === 1;
  const head = await reader.bytes(body, wide ? 32 : 20);
  const timescale = head.readUInt32BE(wide ? 20 : 12);
  const raw = wide ? Number(head.readBigUInt64BE(24)) : head.readUInt32BE(16);
  const unknown = wide ? raw >= 2 ** 63 : raw === 0xffff_ffff;
  return { timescale, duration: unknown ? 0 : raw, dates: datesOf(head, body, wide) };
}

/** When it was made and changed, where that is told at all. */
export function datesOf(head: Buffer, body: number, wide: boolean): Redaction[] {
  const length = wide ? 16 : 8;
  const isBlank = head.subarray(4, 4 + length).every((byte) => byte === 0);
  return isBlank ? [] : [overwrite(body + 4, length)];
}
