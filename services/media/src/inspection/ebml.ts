import type { Redaction } from '../db/schema.ts';
import { overwrite } from './findings.ts';
import { Malformed, type Reader } from './reader.ts';

/** An element of RFC 8794. `end` is Infinity while its size is unknown. */
export type Element = { id: number; at: number; body: number; end: number };

export const VOID = 0xec;
export const CRC = 0xbf;

export async function elementAt(reader: Reader, at: number): Promise<Element> {
  const head = await reader.upTo(at, 12);
  const idLength = Math.clz32(head[0] ?? 0) - 23;
  if (idLength > 4) throw new Malformed('has an element that is none');
  const first = head[idLength] ?? 0;
  const sizeLength = Math.clz32(first) - 23;
  if (sizeLength > 8 || idLength + sizeLength > head.length)
    throw new Malformed('has an element without size');
  const body = at + idLength + sizeLength;
  const rest =
    sizeLength === 1 ? 0 : Number(`0x${head.toString('hex', idLength + 1, idLength + sizeLength)}`);
  const mask = (1 << (8 - sizeLength)) - 1;
  const size = (first & mask) * 2 ** (8 * (sizeLength - 1)) + rest;
  const unknown = size >= 2 ** (7 * sizeLength) - 1;
  return {
    id: head.readUIntBE(0, idLength),
    at,
    body,
    end: unknown ? Number.POSITIVE_INFINITY : body + size,
  };
}

/** The elements from `from` to `to`; each has a size. */
export async function* elements(reader: Reader, from: number, to: number): AsyncGenerator<Element> {
  for (let at = from; at < to; ) {
    const element = await elementAt(reader, at);
    if (element.end > to) throw new Malformed('has an element that is cut');
    yield element;
    at = element.end;
  }
}

export async function unsignedOf(reader: Reader, { body, end }: Element): Promise<number> {
  if (end - body > 8) throw new Malformed('has a number that is too long');
  const bytes = await reader.bytes(body, end - body);
  return bytes.length === 0 ? 0 : Number(`0x${bytes.toString('hex')}`);
}

export async function floatOf(reader: Reader, { body, end }: Element): Promise<number> {
  const bytes = await reader.bytes(body, end - body);
  return bytes.length === 8 ? bytes.readDoubleBE() : bytes.length === 4 ? bytes.readFloatBE() : 0;
}

/** Turns an element into a Void of the same length, empty. */
export function voided({ at, end }: Element): Redaction {
  const total = end - at;
  const width = Math.min(8, total - 1);
  const prefix = Buffer.alloc(1 + width);
  prefix[0] = VOID;
  let size = total - 1 - width;
  for (let index = width; index > 0; index--) {
    prefix[index] = size % 256;
    size = Math.floor(size / 256);
  }
  prefix[1] = (prefix[1] ?? 0) | (1 << (8 - width));
  return overwrite(at, total, prefix);
}
