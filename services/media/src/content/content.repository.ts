import type { Db } from '@tertulia/shared/db/database';
import { and, eq, sql } from 'drizzle-orm';
import { media, renditions, urlKeys } from '../db/schema.ts';
import { createBatch } from './batch.ts';

/** What decides who gets which bytes, without a media's texts. */
const decisive = {
  id: media.id,
  ownerId: media.ownerId,
  visibility: media.visibility,
  hiddenAt: media.hiddenAt,
  deletedAt: media.deletedAt,
  keepMetadata: media.keepMetadata,
  redactions: media.redactions,
  redactedSha256: media.redactedSha256,
  sha256: media.sha256,
  size: media.size,
  blobKey: media.blobKey,
  mimeType: media.mimeType,
  filename: media.filename,
};

const part = {
  name: renditions.name,
  blobKey: renditions.blobKey,
  mimeType: renditions.mimeType,
  size: renditions.size,
  sha256: renditions.sha256,
};

export type Deliverable = NonNullable<Awaited<ReturnType<FindContent['content']>>>;
export type RenditionPart = NonNullable<Awaited<ReturnType<FindContent['rendition']>>>['rendition'];
export type FindContent = ReturnType<typeof prepareFindContent>;

/** Of {@link createBatch}'s keys: uuids, or hex, in a literal that needs no quoting. */
const literal = (keys: readonly string[]) => `{${keys.join(',')}}`;

/**
 * Asks Postgres for each byte range, so that nothing is sent by what was true before: content, which is asked
 * for most, by one look-up for all who ask at the moment. With a key of signed URLs there is nothing once that
 * key is gone.
 */
export function prepareFindContent(db: Db) {
  const byIds = db
    .select(decisive)
    .from(media)
    .where(sql`${media.id} = any(${sql.placeholder('ids')}::uuid[])`)
    .prepare('find_contents');
  const keysByIds = db
    .select({ id: urlKeys.id })
    .from(urlKeys)
    .where(sql`${urlKeys.id} = any(${sql.placeholder('ids')}::text[])`)
    .prepare('find_url_keys');
  const named = and(eq(renditions.mediaId, media.id), eq(renditions.name, sql.placeholder('name')));
  const rendition = db
    .select({ media: decisive, rendition: part })
    .from(media)
    .innerJoin(renditions, named)
    .where(eq(media.id, sql.placeholder('id')))
    .prepare('find_rendition');

  const findContent = createBatch(async (ids) => {
    const rows = await byIds.execute({ ids: literal(ids) });
    return new Map(rows.map((row) => [row.id, row]));
  });
  const findKey = createBatch(async (ids) => {
    const rows = await keysByIds.execute({ ids: literal(ids) });
    return new Map(rows.map(({ id }) => [id, true]));
  });

  /** What is found, unless the key is gone. */
  async function opened<Found>(found: Promise<Found>, keyId: string | undefined): Promise<Found | undefined> {
    if (keyId === undefined) return found;
    const [what, key] = await Promise.all([found, findKey(keyId)]);
    return key === undefined ? undefined : what;
  }

  return {
    content: (id: string, keyId?: string) => opened(findContent(id), keyId),
    rendition: (id: string, name: string, keyId?: string) =>
      opened(
        rendition.execute({ id, name }).then(([found]) => found),
        keyId,
      ),
  };
}
