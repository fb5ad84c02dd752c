import type { Caller } from '@tertulia/shared/http/context';
import { newBlobKey } from '@tertulia/shared/storage/blob-store';
import type { Deps } from '../deps.ts';
import { cleanFilename, titleOf } from '../files/file-name.ts';
import { parseDetails } from '../media/details.ts';
import type { RequestContext } from '../request-context.ts';
import { reserve } from '../usage/usage.service.ts';
import { expiryFrom } from './expiry.ts';
import type { Concat } from './upload-concat.ts';
import { parseMetadata } from './upload-metadata.ts';
import { insertUpload, type NewUpload, type UploadRow } from './uploads.repository.ts';

/**
 * The row of an upload, as its headers describe it.
 *
 * @throws {Problem} `malformed_request`, `invalid_fields`
 */
export function newUpload(
  c: RequestContext,
  caller: Caller,
  concat?: Concat,
  name?: string,
): Omit<NewUpload, 'length'> {
  const metadata = c.req.header('Upload-Metadata');
  const values = parseMetadata(metadata);
  // SHALL NOT: a part's metadata are not carried over to the whole; they are kept for HEAD alone.
  const {
    filename: given = name,
    title,
    description,
    visibility,
    tags,
    keepMetadata,
  } = concat?.kind === 'partial' ? {} : values;
  const filename = cleanFilename(given);
  const { keepMetadata: _, ...details } = parseDetails({
    ...{ title, description, visibility, tags, keepMetadata },
  });
  return {
    id: Bun.randomUUIDv7(),
    ownerId: caller.userId,
    ownerUsername: caller.username,
    metadata: metadata ?? null,
    filename,
    ...details,
    title: details.title ?? titleOf(filename),
    blobKey: newBlobKey(),
    concat: concat?.kind ?? null,
    concatHeader: c.req.header('Upload-Concat') ?? null,
  };
}

/**
 * Makes an upload, and holds room for all of it; while its length is deferred, for nothing yet.
 *
 * @throws {Problem} `quota_exceeded`
 */
export async function insertReserved({ db, env }: Deps, upload: NewUpload): Promise<UploadRow> {
  const reserved = upload.length ?? 0;
  return db.transaction(async (tx) => {
    await reserve(tx, env, upload.ownerId, reserved);
    return insertUpload(tx, { ...upload, reserved, expiresAt: expiryFrom(env) });
  });
}
