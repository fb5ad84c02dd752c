import type { Redaction } from '../db/schema.ts';
import { overwrite } from './findings.ts';
import { Malformed, type Reader } from './reader.ts';

/** A box of ISO/IEC 14496-12 (an atom of QuickTime): `body` is where its contents begin, `end` where they end. */
export type Box = { type: string; at: number; body: number; end: number };

/** The boxes from `from` to `to`, one after the other. @throws {Malformed} when one is cut, or is none */
export async function* boxes(reader: Reader, from: number, to: number): AsyncGenerator<Box> {
  // QuickTime may end a list by four zeros.
  for (let at = from; at + 8 <= to; ) {
    const box = await boxAt(reader, at, to);
    if (box === undefined) throw new Malformed('has a box that is none');
    if (box.end > to) throw new Malformed(`has a box that is cut`);
    yield box;
    at = box.end;
  }
}

/** Undefined where there is no box. Its end may lie beyond `to`. */
export async function boxAt(reader: Reader, at: number, to: number): Promise<Box | undefined> {
  if (at + 8 > to) return undefined;
  const head = await reader.upTo(at, 16);
  const type = head.toString('latin1', 4, 8);
  if (!/^[ -~\xa9][ -~]{3}$/.test(type)) return undefined;
  const size = head.readUInt32BE(0);
  if (size === 0) return { type, at, body: at + 8, end: to };
  if (size !== 1) return size < 8 ? undefined : { type, at, body: at + 8, end: at + size };
  if (head.length < 16) return undefined;
  const large = Number(head.readBigUInt64BE(8));
  return large < 16 ? undefined : { type, at, body: at + 16, end: at + large };
}

/** Turns a box into a `free` one of the same length, empty. */
export function freed({ at, body, end }: Box): Redaction[] {
  const type = overwrite(at + 4, body - at === 8 ? end - at - 4 : 4, 'free');
  return body - at === 8 ? [type] : [type, overwrite(body, end - body)];
}

/** XMP and what makers of cameras add. */
export const isPrivate = ({ type }: Box) => type === 'uuid' || type === 'udta' || type === 'meta';
