import type { Redaction } from '../db/schema.ts';
import { type Box, boxes, freed } from './boxes.ts';
import { hidePicture } from './picture.ts';
import { Malformed, type Reader } from './reader.ts';

/** What players of music show. */
const KEPT = new Set(
  '\xa9nam \xa9ART aART \xa9alb \xa9gen gnre trkn disk cpil pgap tmpo \xa9wrt \xa9too'.split(' '),
);

/** `udta` of a movie: iTunes' list is left with titles and artists; QuickTime's own entries go, places among them. */
export async function keepTitles(reader: Reader, udta: Box): Promise<Redaction[]> {
  try {
    return await ofUserData(reader, udta);
  } catch (error) {
    // Nothing is played from it, so that a mistake in it spoils nothing.
    if (error instanceof Malformed) return freed(udta);
    throw error;
  }
}

async function ofUserData(reader: Reader, udta: Box): Promise<Redaction[]> {
  const redactions: Redaction[] = [];
  for await (const box of boxes(reader, udta.body, udta.end)) {
    if (box.type === 'meta') redactions.push(...(await ofMeta(reader, box)));
    else redactions.push(...freed(box));
  }
  return redactions;
}

async function ofMeta(reader: Reader, meta: Box): Promise<Redaction[]> {
  const head = await reader.upTo(meta.body + 4, 20);
  const isItunes = head.length === 20 && head.toString('latin1', 4, 8) === 'hdlr';
  if (!isItunes || head.toString('latin1', 16, 20) !== 'mdir') return freed(meta);
  const redactions: Redaction[] = [];
  for await (const box of boxes(reader, meta.body + 4, meta.end)) {
    if (box.type === 'hdlr' || box.type === 'free') continue;
    if (box.type !== 'ilst') {
      redactions.push(...freed(box));
      continue;
    }
    for await (const item of boxes(reader, box.body, box.end)) {
      if (item.type === 'covr') redactions.push(...(await ofCover(reader, item)));
      else if (!KEPT.has(item.type)) redactions.push(...freed(item));
    }
  }
  return redactions;
}

/** A cover is a picture with metadata of its own. */
async function ofCover(reader: Reader, cover: Box): Promise<Redaction[]> {
  const redactions: Redaction[] = [];
  for await (const data of boxes(reader, cover.body, cover.end)) {
    const hidden = await hidePicture(reader, data.body + 8, data.end - data.body - 8);
    redactions.push(...(hidden ?? freed(data)));
  }
  return redactions;
}
