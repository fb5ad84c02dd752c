import type { Redaction } from '../db/schema.ts';
import { type Inspector, type Limits, overwrite, shifted } from './findings.ts';
import { inspectJpeg } from './jpeg.ts';
import { inspectPng } from './png.ts';
import { Malformed, type Reader, TooMuch } from './reader.ts';

const ANY: Limits = { maxPixels: Number.POSITIVE_INFINITY, maxFrames: Number.POSITIVE_INFINITY };

/**
 * What a picture within another file (a cover) must not show of itself; undefined when it is none that is
 * known, and nothing of it may be shown.
 */
export async function hidePicture(
  reader: Reader,
  at: number,
  length: number,
): Promise<Redaction[] | undefined> {
  if (length < 8) return undefined;
  const head = (await reader.bytes(at, 8)).toString('latin1');
  const inspector: Inspector | undefined = head.startsWith('\xff\xd8\xff')
    ? inspectJpeg
    : head === '\x89PNG\r\n\x1a\n'
      ? inspectPng
      : undefined;
  if (inspector === undefined) return undefined;
  try {
    const { redactions, end = length } = await inspector(reader.part(at, length), ANY);
    return [...shifted(redactions, at), overwrite(at + end, length - end)];
  } catch (error) {
    if (error instanceof Malformed || error instanceof TooMuch) return undefined;
    throw error;
  }
}
