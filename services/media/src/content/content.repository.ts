import type { Db } from '@tertulia/shared/db/database';
import { and, eq, sql } from 'drizzle-orm';
import { media, renditions, urlKeys } from '../db/schema.ts';

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

/**
 * Prepared once per database: every byte range asks for one of them, and asks Postgres each time, so that
 * nothing is sent by what was true before. With a key of signed URLs, there is nothing once that key is gone.
 */
export function prepareFindContent(db: Db) {
  const id = eq(media.id, sql.placeholder('id'));
  const key = eq(urlKeys.id, sql.placeholder('keyId'));
  const named = and(eq(renditions.mediaId, media.id), eq(renditions.name, sql.placeholder('name')));
  const queries = {
    content: db.select(decisive).from(media).where(id).prepare('find_content'),
    signed: db.select(decisive).from(media).innerJoin(urlKeys, key).where(id).prepare('find_signed_content'),
    rendition: db
      .select({ media: decisive, rendition: part })
      .from(media)
      .innerJoin(renditions, named)
      .where(id)
      .prepare('find_rendition'),
    signedRendition: db
      .select({ media: decisive, rendition: part })
      .from(media)
      .innerJoin(renditions, named)
      .innerJoin(urlKeys, key)
      .where(id)
      .prepare('find_signed_rendition'),
  };
  return {
    content: async (id: string, keyId?: string) =>
      (
        await (keyId === undefined ? queries.content.execute({ id }) : queries.signed.execute({ id, keyId }))
      )[0],
    rendition: async (id: string, name: string, keyId?: string) =>
      (
        await (keyId === undefined
          ? queries.rendition.execute({ id, name })
          : queries.signedRendition.execute({ id, name, keyId }))
      )[0],
  };
}
