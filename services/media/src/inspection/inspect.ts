import { Problem } from '@tertulia/shared/http/problem';
import type { ByteSource } from '@tertulia/shared/storage/byte-source';
import type { Redaction } from '../db/schema.ts';
import { type FileKind, fileKind } from '../files/file-kind.ts';
import { inspectAdts } from './adts.ts';
import { assertNoDisguise, behindPicture } from './disguise.ts';
import { type Findings, type Inspector, type Limits, settled } from './findings.ts';
import { inspectFlac } from './flac.ts';
import { inspectGif } from './gif.ts';
import { inspectHeif } from './heif.ts';
import { inspectJpeg } from './jpeg.ts';
import { inspectMatroska } from './matroska.ts';
import { inspectMp3 } from './mp3.ts';
import { inspectMp4 } from './mp4.ts';
import { inspectOgg } from './ogg.ts';
import { inspectPng } from './png.ts';
import { Malformed, openReader, type Reader, TooMuch } from './reader.ts';
import { redactedSha256 } from './redact.ts';
import { inspectWav } from './wav.ts';
import { inspectWebp } from './webp.ts';

/** What a file is, by its own bytes alone. */
export type Inspected = FileKind & {
  width?: number;
  height?: number;
  durationMs?: number;
  /** In order, and apart from one another. Empty: there is nothing to hide. */
  redactions: Redaction[];
  /** Of the file as others than its owner get it, where that differs. */
  redactedSha256?: string;
};

const INSPECTORS: Record<string, Inspector> = {
  'image/jpeg': inspectJpeg,
  'image/png': inspectPng,
  'image/gif': inspectGif,
  'image/webp': inspectWebp,
  'image/avif': inspectHeif,
  'image/heic': inspectHeif,
  'image/heic-sequence': inspectHeif,
  'image/heif': inspectHeif,
  'image/heif-sequence': inspectHeif,
  'video/mp4': inspectMp4,
  'video/quicktime': inspectMp4,
  'audio/mp4': inspectMp4,
  'video/webm': inspectMatroska,
  'video/matroska': inspectMatroska,
  'video/ogg': inspectOgg,
  'audio/ogg': inspectOgg,
  'audio/mpeg': inspectMp3,
  'audio/aac': inspectAdts,
  'audio/flac': inspectFlac,
  'audio/wav': inspectWav,
};

/** What a container is called when it holds sound alone, and when it holds pictures. */
const BY_KIND: Record<'audio' | 'video', Record<string, string>> = {
  audio: {
    ...{ 'video/mp4': 'audio/mp4', 'video/quicktime': 'audio/mp4', 'video/webm': 'audio/webm' },
    ...{ 'video/matroska': 'audio/matroska', 'video/ogg': 'audio/ogg' },
  },
  video: { 'audio/mp4': 'video/mp4', 'audio/ogg': 'video/ogg' },
};

/**
 * Tells what a file is, how large and how long, and what of it is nobody's business but its owner's. Nothing is
 * decoded, and memory stays flat: headers are read through a small window.
 *
 * @throws {Problem} `unsupported_media_type`, `unprocessable_media` for what is more than is taken
 */
export async function inspect(file: ByteSource, limits: Limits): Promise<Inspected> {
  const found = await fileKind(file);
  const inspector = found && INSPECTORS[found.mimeType];
  if (found === undefined || inspector === undefined) {
    throw new Problem('unsupported_media_type', 'Its bytes are no image, video or audio that is accepted.');
  }
  try {
    const reader = openReader(file);
    await assertNoDisguise(reader);
    const findings = await inspector(reader, limits);
    const redactions = settled([...findings.redactions, ...(await behind(reader, found, findings))]);
    const { width, height, durationMs } = findings;
    return {
      ...namedAs(found, findings.kind),
      ...(width === undefined || height === undefined ? {} : { width, height }),
      ...(durationMs === undefined ? {} : { durationMs }),
      redactions,
      ...(redactions.length === 0 ? {} : { redactedSha256: await redactedSha256(file, redactions) }),
    };
  } catch (error) {
    if (error instanceof Malformed) {
      throw new Problem('unsupported_media_type', `The ${found.kind} ${error.message}.`, { cause: error });
    }
    if (error instanceof TooMuch) {
      throw new Problem('unprocessable_media', `The ${found.kind} ${error.message}.`, { cause: error });
    }
    throw error;
  }
}

function namedAs(found: FileKind, kind: 'audio' | 'video' | undefined): FileKind {
  return kind === undefined ? found : { kind, mimeType: BY_KIND[kind][found.mimeType] ?? found.mimeType };
}

const behind = (reader: Reader, { kind, mimeType }: FileKind, { end }: Findings): Promise<Redaction[]> =>
  kind === 'image' && end !== undefined ? behindPicture(reader, end, mimeType) : Promise.resolve([]);

/** The settings' limits. */
export const limitsOf = (env: { IMAGE_MAX_PIXELS: number; IMAGE_MAX_FRAMES: number }): Limits => ({
  maxPixels: env.IMAGE_MAX_PIXELS,
  maxFrames: env.IMAGE_MAX_FRAMES,
});
