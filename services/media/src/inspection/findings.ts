import type { Redaction } from '../db/schema.ts';
import { type Reader, TooMuch } from './reader.ts';

/** What pictures may hold at most. */
export type Limits = { maxPixels: number; maxFrames: number };

/** What an inspector of one format tells of a file. */
export type Findings = {
  /** Where a container may hold either. */
  kind?: 'audio' | 'video';
  width?: number;
  height?: number;
  durationMs?: number;
  redactions: Redaction[];
  /** Where the format ends; what follows is none of it. The file's size where nothing is said. */
  end?: number;
};

export type Inspector = (reader: Reader, limits: Limits) => Promise<Findings>;

/** More places than that are not hidden but refused: each costs in every answer. */
const MAX_REDACTIONS = 10_000;

/** Others see `bytes` and then zeros, from `at` on. */
export function overwrite(at: number, length: number, bytes: ArrayLike<number> | string = ''): Redaction {
  const prefix = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
  return { at, length, bytes: prefix.subarray(0, length).toString('base64') };
}

/** The same places of a part that lies at `by` in the whole. */
export const shifted = (redactions: readonly Redaction[], by: number): Redaction[] =>
  redactions.map(({ at, length, bytes }) => ({ at: at + by, length, bytes }));

/** In order, apart from one another, and without empty ones. @throws {TooMuch} */
export function settled(redactions: readonly Redaction[]): Redaction[] {
  const found: Redaction[] = [];
  let end = 0;
  for (const redaction of redactions.toSorted((a, b) => a.at - b.at)) {
    const { at, length, bytes } = redaction;
    if (at + length <= end || length === 0) continue;
    // Only a forged file has places that overlap.
    const cut = Math.max(0, end - at);
    found.push(
      cut === 0 ? redaction : overwrite(end, length - cut, Buffer.from(bytes, 'base64').subarray(cut)),
    );
    end = at + length;
  }
  if (found.length > MAX_REDACTIONS) throw new TooMuch('has more metadata than can be hidden');
  return found;
}

/** @throws {TooMuch} before anything decodes it */
export function assertPixels(width: number, height: number, { maxPixels }: Limits): void {
  if (width * height > maxPixels) throw new TooMuch(`has more than ${maxPixels} pixels`);
}

export function assertFrames(frames: number, { maxFrames }: Limits): void {
  if (frames > maxFrames) throw new TooMuch(`has more than ${maxFrames} frames`);
}

/** Exif orientations 5 to 8 lie on their side. */
export function turned(width: number, height: number, orientation: number) {
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** Milliseconds, where they can be told. */
export function durationOf(units: number, perSecond: number): { durationMs?: number } {
  const ms = Math.round((units / perSecond) * 1000);
  return Number.isFinite(ms) && ms > 0 && ms < 2 ** 31 ? { durationMs: ms } : {};
}
