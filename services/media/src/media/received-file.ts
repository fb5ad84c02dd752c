import type { Caller } from '@tertulia/shared/http/context';
import { type IdempotentRequest, idempotently } from '@tertulia/shared/http/idempotency';
import { newBlobKey } from '@tertulia/shared/storage/blob-store';
import { onDisk, writeAll } from '@tertulia/shared/storage/disk';
import type { Deps } from '../deps.ts';
import { titleOf } from '../files/file-name.ts';
import { noteRemovals, strikeRemoval } from '../files/removals.repository.ts';
import { carryOut } from '../files/removals.ts';
import { inspect, limitsOf } from '../inspection/inspect.ts';
import { reserve } from '../usage/usage.service.ts';
import { etagOfMedia } from './media.routes.ts';
import { type Details, type Media, toMedia } from './media.schema.ts';
import { addMedia } from './media.service.ts';

/** A whole file, on the local disk under an id of its own. */
export type Received = { id: string; filename: string; size: number; sha256: string };

/** What the client is told of its new media. */
export type Kept = { media: Media; etag: string };

/** Time from a blob to its row; a blob without one is swept after that. */
const ADOPTION_MS = 3_600_000;

/** Writes a file as it comes. However that ends, whoever drew the id removes it. */
export async function writeReceived(
  { formFiles }: Deps,
  id: string,
  filename: string,
  parts: AsyncIterable<Uint8Array>,
): Promise<Received> {
  const hasher = new Bun.CryptoHasher('sha256');
  let size = 0;
  await onDisk(async () => {
    const file = await formFiles.append(id);
    try {
      for await (const part of parts) {
        const writing = writeAll(file, part);
        hasher.update(part);
        await writing;
        size += part.length;
      }
    } finally {
      await file.close();
    }
  });
  return { id, filename, size, sha256: hasher.digest('hex') };
}

type What = {
  received: Received;
  details: Details;
  request: IdempotentRequest;
  traceparent: string | undefined;
};

/**
 * Makes a media of a received file, once per idempotency key.
 *
 * @throws {Problem} `unsupported_media_type`, `unprocessable_media`, `quota_exceeded`
 */
export async function keepReceived(
  deps: Deps,
  caller: Caller,
  { received, details, request, traceparent }: What,
): Promise<{ answer: Kept; replayed: boolean }> {
  const { id, filename, size, sha256 } = received;
  const path = deps.formFiles.path(id);
  const inspected = await inspect(Bun.file(path), limitsOf(deps.env));
  const blob = { place: 'blob' as const, key: newBlobKey() };
  // Noted before it exists, struck out with its row: whatever happens in between, it is swept.
  await noteRemovals(deps.db, [blob], new Date(Date.now() + ADOPTION_MS));
  let isKept = false;
  let adopted = false;
  try {
    await deps.blobs.put(blob.key, path);
    const { answer, replayed } = await idempotently<Kept>(deps.db, request, async (tx) => {
      if (!(await strikeRemoval(tx, blob))) throw new Error('the blob was swept');
      await reserve(tx, deps.env, caller.userId, size);
      const fields = {
        reserved: size,
        ownerId: caller.userId,
        ownerUsername: caller.username,
        ...details,
        title: details.title ?? titleOf(filename),
        ...{ filename, size, sha256, ...inspected, blobKey: blob.key },
      };
      const row = await addMedia(tx, deps, fields, { traceparent });
      isKept = row.blobKey === blob.key;
      return { media: toMedia(row, caller, false), etag: etagOfMedia(row, caller, false) };
    });
    adopted = isKept && !replayed;
    return { answer, replayed };
  } finally {
    if (!adopted) await dropUnlessAdopted(deps, blob);
  }
}

/** A commit whose answer was lost has struck the note out: then the blob stays. */
async function dropUnlessAdopted(deps: Deps, blob: { place: 'blob'; key: string }): Promise<void> {
  const noted = await strikeRemoval(deps.db, blob).catch(() => false);
  if (!noted) return;
  await noteRemovals(deps.db, [blob]);
  await carryOut(deps, [blob]);
}
