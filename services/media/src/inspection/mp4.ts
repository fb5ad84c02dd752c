import type { Redaction } from '../db/schema.ts';
import { type Box, boxAt, boxes, freed, isPrivate } from './boxes.ts';
import { durationOf, type Inspector, overwrite } from './findings.ts';
import { inspectFragment } from './mp4-fragments.ts';
import { readHeader } from './mp4-header.ts';
import { hideSamples } from './mp4-samples.ts';
import { keepTitles } from './mp4-titles.ts';
import { inspectTrack, type Track } from './mp4-track.ts';
import { Malformed, type Reader } from './reader.ts';

/** MP4 and MOV: the boxes at the top, of which a movie must be one. */
export const inspectMp4: Inspector = async (reader) => {
  let movie: Movie | undefined;
  let fragments = 0;
  const redactions: Redaction[] = [];
  let at = 0;
  while (at < reader.size) {
    const box = await boxAt(reader, at, reader.size);
    // Cameras append what is no box; it is hidden, as it may tell anything.
    if (box === undefined) {
      if (movie === undefined) throw new Malformed('has a box that is none');
      redactions.push(overwrite(at, reader.size - at));
      break;
    }
    if (box.end > reader.size) throw new Malformed('has a box that is cut');
    if (box.type === 'moov') {
      if (movie !== undefined) throw new Malformed('has two movies');
      movie = await inspectMovie(reader, box);
    } else if (box.type === 'moof' && movie !== undefined) {
      const fragment = await inspectFragment(reader, box, movie.tracks);
      fragments = Math.max(fragments, fragment.seconds);
      redactions.push(...fragment.redactions);
    } else if (isPrivate(box)) redactions.push(...freed(box));
    at = box.end;
  }
  if (movie === undefined) throw new Malformed('holds no movie');
  const { kind, width, height } = movie;
  if (kind === undefined) throw new Malformed('holds neither pictures nor sound');
  return {
    kind,
    ...(width === undefined || height === undefined ? {} : { width, height }),
    ...durationOf(movie.seconds || fragments, 1),
    redactions: [...movie.redactions, ...redactions],
  };
};

type Movie = {
  kind?: 'audio' | 'video';
  width?: number;
  height?: number;
  seconds: number;
  /** Samples of the longest track with pictures. */
  frames: number;
  sizes: { width: number; height: number }[];
  tracks: Map<number, Track>;
  redactions: Redaction[];
};

const MAX_TRACKS = 100;

/** `moov`: header, tracks, and what of it is nobody's business. */
export async function inspectMovie(reader: Reader, moov: Box): Promise<Movie> {
  const redactions: Redaction[] = [];
  const tracks: Track[] = [];
  let mvex: Box | undefined;
  let seconds = 0;
  for await (const box of boxes(reader, moov.body, moov.end)) {
    // What is compressed cannot be looked at.
    if (box.type === 'cmov') throw new Malformed('has a compressed header');
    if (box.type === 'mvhd') {
      const { timescale, duration, dates } = await readHeader(reader, box);
      seconds = duration / timescale || 0;
      redactions.push(...dates);
    } else if (box.type === 'trak') {
      const track = await inspectTrack(reader, box);
      tracks.push(track);
      if (tracks.length > MAX_TRACKS) throw new Malformed('has too many tracks');
      redactions.push(...track.redactions);
      // Where a camera was, second by second: the samples, and the track that leads to them.
      if (track.isMetadata) redactions.push(...(await hideSamples(reader, track)));
    } else if (box.type === 'udta') redactions.push(...(await keepTitles(reader, box)));
    else if (box.type === 'mvex') mvex = box;
    else if (isPrivate(box)) redactions.push(...freed(box));
  }
  if (mvex !== undefined) await readDefaults(reader, mvex, tracks);
  const pictures = tracks.filter(({ handler, isCover }) => handler === 'vide' && !isCover);
  const sound = tracks.some(({ handler }) => handler === 'soun');
  const shown = pictures[0];
  return {
    ...(pictures.length > 0 ? { kind: 'video' } : sound ? { kind: 'audio' } : {}),
    ...(shown?.width && shown.height ? { width: shown.width, height: shown.height } : {}),
    seconds,
    frames: Math.max(0, ...pictures.map(({ samples }) => samples)),
    sizes: pictures.map(({ width, height }) => ({ width, height })),
    tracks: new Map(tracks.map((track) => [track.id, track])),
    redactions,
  };
}

/** `trex`: how long a sample of a fragment is, where the fragment does not say. */
async function readDefaults(reader: Reader, mvex: Box, tracks: readonly Track[]): Promise<void> {
  for await (const box of boxes(reader, mvex.body, mvex.end)) {
    if (box.type !== 'trex') continue;
    const trex = await reader.bytes(box.body, 24);
    const track = tracks.find(({ id }) => id === trex.readUInt32BE(4));
    if (track !== undefined) track.sampleTicks = trex.readUInt32BE(12);
  }
}
