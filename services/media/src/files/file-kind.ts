import type { MEDIA_KINDS } from '@tertulia/shared/events/catalog';
import type { ByteSource } from '@tertulia/shared/storage/byte-source';
import { fileTypeFromBlob } from 'file-type';

export type FileKind = { kind: (typeof MEDIA_KINDS)[number]; mimeType: string };

/** file-type's answer → what is accepted, under the type that goes out. All else is refused. */
const ACCEPTED: Record<string, FileKind> = {
  'image/jpeg': { kind: 'image', mimeType: 'image/jpeg' },
  'image/png': { kind: 'image', mimeType: 'image/png' },
  'image/apng': { kind: 'image', mimeType: 'image/png' },
  'image/gif': { kind: 'image', mimeType: 'image/gif' },
  'image/webp': { kind: 'image', mimeType: 'image/webp' },
  'image/avif': { kind: 'image', mimeType: 'image/avif' },
  'image/heic': { kind: 'image', mimeType: 'image/heic' },
  'image/heic-sequence': { kind: 'image', mimeType: 'image/heic-sequence' },
  'image/heif': { kind: 'image', mimeType: 'image/heif' },
  'image/heif-sequence': { kind: 'image', mimeType: 'image/heif-sequence' },
  'video/mp4': { kind: 'video', mimeType: 'video/mp4' },
  'video/x-m4v': { kind: 'video', mimeType: 'video/mp4' },
  'video/quicktime': { kind: 'video', mimeType: 'video/quicktime' },
  'video/webm': { kind: 'video', mimeType: 'video/webm' },
  'video/matroska': { kind: 'video', mimeType: 'video/matroska' },
  'video/ogg': { kind: 'video', mimeType: 'video/ogg' },
  'audio/mpeg': { kind: 'audio', mimeType: 'audio/mpeg' },
  'audio/aac': { kind: 'audio', mimeType: 'audio/aac' },
  'audio/mp4': { kind: 'audio', mimeType: 'audio/mp4' },
  'audio/x-m4a': { kind: 'audio', mimeType: 'audio/mp4' },
  'audio/ogg': { kind: 'audio', mimeType: 'audio/ogg' },
  'audio/ogg; codecs=opus': { kind: 'audio', mimeType: 'audio/ogg' },
  'audio/flac': { kind: 'audio', mimeType: 'audio/flac' },
  'audio/wav': { kind: 'audio', mimeType: 'audio/wav' },
};

/**
 * How the accepted formats begin, in latin-1. Looked at first, so that the detector, which walks through
 * archives and the like, sees nothing else.
 */
const BEGINNINGS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are bytes, not text
  /^(?:\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF.{4}(?:WEBP|WAVE)|.{4}(?:ftyp|moov|mdat|free|skip|wide)|\x1aE\xdf\xa3|OggS|ID3|\xff[\xe0-\xff]|fLaC)/s;

/** Of the sound formats that begin alike, `.mp1` and `.mp2` are none of ours. */
const REFUSED_EXTENSIONS = new Set(['mp1', 'mp2']);

const DETECTION_MS = 5000;
const MAX_BUFFER = 1024 * 1024;

/**
 * Tells image, video or audio from the file's own bytes; undefined for whatever is not accepted. Reads a
 * bounded part, whatever the size. In containers that hold both, video is assumed (`webm`, `mkv`, `mp4`).
 */
export async function fileKind(file: ByteSource): Promise<FileKind | undefined> {
  const head = Buffer.from(await file.slice(0, 16).arrayBuffer()).toString('latin1');
  if (!BEGINNINGS.test(head)) return undefined;
  // Of a Blob, it asks for the size and for slices alone.
  const detected = await fileTypeFromBlob(file as Blob, {
    maxBufferSize: MAX_BUFFER,
    signal: AbortSignal.timeout(DETECTION_MS),
  }).catch(() => undefined);
  if (detected === undefined || REFUSED_EXTENSIONS.has(detected.ext)) return undefined;
  return ACCEPTED[detected.mime];
}
