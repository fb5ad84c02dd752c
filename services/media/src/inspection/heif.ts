import type { Redaction } from '../db/schema.ts';
import { type Box, boxAt, boxes, freed } from './boxes.ts';
import {
  assertFrames,
  assertPixels,
  type Findings,
  type Inspector,
  type Limits,
  overwrite,
} from './findings.ts';
import { readItems } from './heif-items.ts';
import { inspectMovie } from './mp4.ts';
import { MAX_PIECE, Malformed, type Reader, TooMuch } from './reader.ts';

/** An Exif item without an entry: offset of the TIFF block, and that. */
const NO_EXIF = '\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0';

/** ISO/IEC 23008-12, HEIC and AVIF: items within a `meta` box; sequences are movies besides. */
export const inspectHeif: Inspector = async (reader, limits) => {
  let found: Findings | undefined;
  const redactions: Redaction[] = [];
  let end = 0;
  while (end < reader.size) {
    const box = await boxAt(reader, end, reader.size);
    if (box === undefined) break;
    if (box.end > reader.size) throw new Malformed('has a box that is cut');
    if (box.type === 'meta') {
      if (found !== undefined) throw new Malformed('has two lists of items');
      found = await inspectItems(reader, box, limits);
      redactions.push(...found.redactions);
    } else if (box.type === 'moov') {
      const movie = await inspectMovie(reader, box);
      assertFrames(movie.frames, limits);
      for (const { width, height } of movie.sizes) assertPixels(width, height, limits);
      redactions.push(...movie.redactions);
    } else if (box.type === 'uuid' || box.type === 'udta') redactions.push(...freed(box));
    end = box.end;
  }
  if (found === undefined) throw new Malformed('holds no picture');
  return { ...found, redactions, end };
};

async function inspectItems(reader: Reader, meta: Box, limits: Limits): Promise<Findings> {
  if (meta.end - meta.body > MAX_PIECE) throw new TooMuch('has a list of items that is too large');
  let idat = 0;
  for await (const box of boxes(reader, meta.body + 4, meta.end)) if (box.type === 'idat') idat = box.body;
  const bytes = Buffer.from(await reader.bytes(meta.body, meta.end - meta.body));
  const { items, sizes, primary } = readItems(bytes);
  // Tiles and thumbnails too: each is decoded by itself.
  for (const { width, height } of sizes) assertPixels(width, height, limits);
  if (primary === undefined) throw new Malformed('has no size');
  const redactions: Redaction[] = [];
  for (const { type, inItemData, extents } of items) {
    // `mime` is XMP, `uri ` whatever else somebody thought of.
    if (!['Exif', 'mime', 'uri '].includes(type)) continue;
    for (const [index, { offset, length }] of extents.entries()) {
      const at = inItemData ? idat + offset : offset;
      const size = length === 0 ? reader.size - at : length;
      if (at < 0 || at + size > reader.size) throw new Malformed('has an item beyond its end');
      redactions.push(overwrite(at, size, type === 'Exif' && index === 0 && size >= 22 ? NO_EXIF : ''));
    }
  }
  return { ...primary, redactions };
}
