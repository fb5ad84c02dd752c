import { Malformed } from './reader.ts';

type Extent = { offset: number; length: number };
type Size = { width: number; height: number };
export type Item = { id: number; type: string; inItemData: boolean; extents: Extent[] };

const MAX_ITEMS = 10_000;

/** What `bytes`, the contents of a `meta` box, say of items, of their sizes, and of the primary one's as shown. */
export function readItems(bytes: Buffer): { items: Item[]; sizes: Size[]; primary: Size | undefined } {
  try {
    const boxes = childrenOf(bytes.subarray(4));
    const types = typesOf(boxes.get('iinf'));
    const places = placesOf(boxes.get('iloc'));
    const items = [...types].map(([id, type]): Item => ({ id, type, ...(places.get(id) ?? NOWHERE) }));
    const pitm = boxes.get('pitm');
    const primaryId = pitm === undefined ? -1 : pitm[0] === 0 ? pitm.readUInt16BE(4) : pitm.readUInt32BE(4);
    return { items, ...sizesOf(boxes.get('iprp'), primaryId) };
  } catch (error) {
    // Buffer's own, for reads beyond its end.
    if (error instanceof RangeError) throw new Malformed('has items that are cut', { cause: error });
    throw error;
  }
}

const NOWHERE = { inItemData: false, extents: [] };

/** The first box of each type; contents are views. */
function childrenOf(bytes: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const { type, body } of listOf(bytes)) if (!found.has(type)) found.set(type, body);
  return found;
}

function listOf(bytes: Buffer): { type: string; body: Buffer }[] {
  const list = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) throw new Malformed('has a box that is cut');
    list.push({ type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + size) });
    if (list.length > MAX_ITEMS) throw new Malformed('has too many boxes');
    at += size;
  }
  return list;
}

function typesOf(iinf: Buffer | undefined): Map<number, string> {
  const types = new Map<number, string>();
  if (iinf === undefined) return types;
  for (const { type, body } of listOf(iinf.subarray(iinf[0] === 0 ? 6 : 8))) {
    const version = body[0] ?? 0;
    if (type !== 'infe' || version < 2) continue;
    const wide = version === 2 ? 0 : 2;
    const id = wide === 0 ? body.readUInt16BE(4) : body.readUInt32BE(4);
    types.set(id, body.toString('latin1', 8 + wide, 12 + wide));
  }
  return types;
}

function placesOf(iloc: Buffer | undefined): Map<number, Omit<Item, 'id' | 'type'>> {
  const places = new Map<number, Omit<Item, 'id' | 'type'>>();
  if (iloc === undefined) return places;
  const bytes = iloc;
  const version = bytes[0] ?? 0;
  const [sizes, bases] = [bytes.readUInt8(4), bytes.readUInt8(5)];
  const [offsetSize, lengthSize, baseSize] = [sizes >> 4, sizes & 15, bases >> 4];
  const indexSize = version === 0 ? 0 : bases & 15;
  let at = 6;
  const take = (size: number): number => {
    at += size;
    if (size === 0) return 0;
    return size === 8 ? Number(bytes.readBigUInt64BE(at - 8)) : bytes.readUIntBE(at - size, size);
  };
  const idSize = version < 2 ? 2 : 4;
  const count = take(idSize);
  let extentsLeft = MAX_ITEMS;
  for (let item = 0; item < count; item++) {
    const id = take(idSize);
    const inItemData = version > 0 && (take(2) & 15) === 1;
    take(2);
    const base = take(baseSize);
    const extents: Extent[] = [];
    for (let extent = take(2); extent > 0; extent--) {
      if (--extentsLeft < 0) throw new Malformed('has too many extents');
      take(indexSize);
      extents.push({ offset: base + take(offsetSize), length: take(lengthSize) });
    }
    places.set(id, { inItemData, extents });
  }
  return places;
}

/** `ispe` of all, and the primary item's, turned as its `irot` says. */
function sizesOf(iprp: Buffer | undefined, primaryId: number): { sizes: Size[]; primary: Size | undefined } {
  if (iprp === undefined) return { sizes: [], primary: undefined };
  const parts = childrenOf(iprp);
  const properties = listOf(parts.get('ipco') ?? Buffer.alloc(0));
  const sizeOf = (body: Buffer) => ({ width: body.readUInt32BE(4), height: body.readUInt32BE(8) });
  const sizes = properties.filter(({ type }) => type === 'ispe').map(({ body }) => sizeOf(body));
  const mine = propertiesOf(parts.get('ipma'), primaryId).flatMap((index) => properties[index - 1] ?? []);
  const ispe = mine.find(({ type }) => type === 'ispe');
  if (ispe === undefined) return { sizes, primary: undefined };
  const { width, height } = sizeOf(ispe.body);
  if (width === 0 || height === 0) return { sizes, primary: undefined };
  const quarters = mine.find(({ type }) => type === 'irot')?.body[0] ?? 0;
  return { sizes, primary: quarters % 2 === 1 ? { width: height, height: width } : { width, height } };
}

function propertiesOf(ipma: Buffer | undefined, id: number): number[] {
  if (ipma === undefined) return [];
  const [idSize, indexSize] = [ipma[0] === 0 ? 2 : 4, ((ipma[3] ?? 0) & 1) + 1];
  const count = ipma.readUInt32BE(4);
  let at = 8;
  for (let entry = 0; entry < count; entry++) {
    const entryId = ipma.readUIntBE(at, idSize);
    const length = ipma.readUInt8(at + idSize);
    at += idSize + 1;
    if (entryId === id) {
      const mask = indexSize === 1 ? 0x7f : 0x7fff;
      return Array.from({ length }, (_, index) => ipma.readUIntBE(at + index * indexSize, indexSize) & mask);
    }
    at += length * indexSize;
  }
  return [];
}
