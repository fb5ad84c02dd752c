import { join } from 'node:path';
import { newBlobKey } from '@tertulia/shared/storage/blob-store';
import { renditions } from '../db/schema.ts';
import type { TestApp } from '../test-app.ts';
import { sha256 } from './fixtures.ts';

/** A rendition as processing leaves it: its row and its blob. */
export async function addRendition(
  { deps, database, folder }: TestApp,
  mediaId: string,
  name: string,
  bytes: Uint8Array,
  mimeType = 'image/webp',
): Promise<void> {
  const blobKey = newBlobKey();
  const path = join(folder, 'media', `${blobKey}.part`);
  await Bun.write(path, bytes);
  await deps.blobs.put(blobKey, path);
  const row = { mediaId, name, blobKey, mimeType, size: bytes.length, sha256: sha256(bytes) };
  await database.db.insert(renditions).values({ ...row, width: 320, height: 200 });
}
