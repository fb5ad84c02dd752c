import type { Redaction } from '../db/schema.ts';
import { overwrite } from './findings.ts';
import { Malformed, type Reader } from './reader.ts';

/** As far as a browser looks to tell what a file is (WHATWG MIME Sniffing, 5.2), and a PDF reader. */
const HEAD = 1445;
const MARKUP = /<(?:!doctype|html|head|body|script|iframe|svg|\?php|%)[\s>/:]|<\?php|%PDF-\d/i;
/** A ZIP's end is at most so far from the file's. */
const ZIP_TAIL = 22 + 65_535;
/** Behind a picture, more than that is a file of its own. */
const MOST_BEHIND = 4096;
const TEXTS = /<(?:!doctype|html|script|iframe|svg)[\s>/:]|<\?php|%PDF-/i;
const ARCHIVES = ['PK\x03\x04', 'PK\x05\x06', 'Rar!\x1a\x07', '7z\xbc\xaf\x27\x1c'];

/** What is a medium by its first bytes, and to another program something else. @throws {Malformed} */
export async function assertNoDisguise(reader: Reader): Promise<void> {
  const head = (await reader.upTo(0, HEAD)).toString('latin1');
  if (MARKUP.test(head)) throw new Malformed('begins with markup');
  if (await endsAsZip(reader)) throw new Malformed('ends as an archive');
}

/** The record at a ZIP's end leads to its directory, from the end backwards: whatever stands before is ignored. */
async function endsAsZip(reader: Reader): Promise<boolean> {
  const from = Math.max(0, reader.size - ZIP_TAIL);
  const tail = Buffer.from(await reader.bytes(from, reader.size - from));
  for (
    let at = tail.lastIndexOf('PK\x05\x06');
    at !== -1;
    at = at === 0 ? -1 : tail.lastIndexOf('PK\x05\x06', at - 1)
  ) {
    if (at + 22 > tail.length || at + 22 + tail.readUInt16LE(at + 20) > tail.length) continue;
    const directory = from + at - tail.readUInt32LE(at + 12);
    if (directory === from + at) return true;
    if (directory >= 0 && (await reader.upTo(directory, 4)).toString('latin1') === 'PK\x01\x02') return true;
  }
  return false;
}

/**
 * What follows a picture's end. Cameras put a clip or further pictures behind a JPEG; a few bytes are padding.
 * Nobody but the owner gets any of it.
 *
 * @throws {Malformed} for everything else
 */
export async function behindPicture(reader: Reader, end: number, mimeType: string): Promise<Redaction[]> {
  const length = reader.size - end;
  if (length <= 0) return [];
  const head = await reader.upTo(end, 64 * 1024);
  const padding = head.findIndex((byte) => byte !== 0);
  if (padding !== -1 && !(mimeType === 'image/jpeg' && (await isCameras(reader, end + padding)))) {
    const text = head.toString('latin1');
    if (length > MOST_BEHIND || TEXTS.test(text) || ARCHIVES.some((magic) => text.includes(magic))) {
      throw new Malformed('is followed by something else');
    }
  }
  return [overwrite(end, length)];
}

/** Further pictures (MPF), a clip (motion photo), or Samsung's list of both. */
async function isCameras(reader: Reader, at: number): Promise<boolean> {
  const head = (await reader.upTo(at, 12)).toString('latin1');
  if (head.startsWith('\xff\xd8\xff') || head.slice(4, 8) === 'ftyp') return true;
  return (await reader.bytes(reader.size - 4, 4)).toString('latin1') === 'SEFT';
}
