import { constants } from 'node:fs';
import { access, type FileHandle, open } from 'node:fs/promises';
import { Problem } from '../http/problem.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Runs disk work; a full disk becomes the problem `insufficient_storage`. */
export async function onDisk<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) !== undefined && FULL.has(codeOf(error) ?? '')) {
      throw new Problem('insufficient_storage', undefined, { cause: error });
    }
    throw error;
  }
}

/**
 * Writes all of it, at a position or else at the handle's place: a plain `write` may take less than it was
 * given.
 */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const place = position === undefined ? null : position + at;
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, place);
    at += bytesWritten;
  }
}

/** Makes a file's bytes, or a folder's entries, outlive a loss of power. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Undefined instead of ENOENT. */
export async function unlessAbsent<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Rejects unless files can be made in the folder. */
export const canWrite = (folder: string) => access(folder, constants.W_OK | constants.X_OK);

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
