import type { Db } from '@tertulia/shared/db/database';
import { and, asc, desc, eq, isNull, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { CommentRow } from '../comments/comments.schema.ts';
import { comments } from '../db/schema.ts';

export const SORTS = ['newest', 'oldest'] as const;
export type Sort = (typeof SORTS)[number];

/** Comments on a media itself, or replies to a comment. */
export type List = 'top' | 'replies';

/** Where a page starts: after this place in the order. */
export type Place = { at: Date; id: string };

/** What comes before the first place of each order. */
const START: Record<Sort, Place> = {
  newest: { at: new Date('9999-12-31T23:59:59.999Z'), id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' },
  oldest: { at: new Date(0), id: '00000000-0000-0000-0000-000000000000' },
};

/** A page by keyset on time and id, which one index holds in this order: it costs the same at any depth. */
export function pageOf(db: Db, list: List, sort: Sort) {
  const { mediaId, parentId, createdAt, id } = comments;
  const of = sql.placeholder('of');
  const within = list === 'top' ? and(eq(mediaId, of), isNull(parentId)) : eq(parentId, of);
  const [beyond, order] = sort === 'newest' ? [sql.raw('<'), desc] : [sql.raw('>'), asc];
  const place = sql`(${sql.placeholder('at')}::timestamptz, ${sql.placeholder('id')}::uuid)`;
  return db
    .select()
    .from(comments)
    .where(and(within, sql`(${createdAt}, ${id}) ${beyond} ${place}`))
    .orderBy(order(createdAt), order(id))
    .limit(sql.placeholder('limit'));
}

/** The oldest few replies of each of many comments: one lateral join, whatever their number. */
export function previewsOf(db: Db) {
  const parents = alias(comments, 'parents');
  const replies = db
    .select()
    .from(comments)
    .where(eq(comments.parentId, parents.id))
    .orderBy(asc(comments.createdAt), asc(comments.id))
    .limit(sql.placeholder('each'))
    .as('replies');
  return db
    .select({ reply: replies._.selectedFields })
    .from(parents)
    .crossJoinLateral(replies)
    .where(sql`${parents.id} = any(${sql.placeholder('of')})`);
}

type Page = { of: string; after: Place | undefined; limit: number };

export type Threads = {
  list(list: List, sort: Sort, page: Page): Promise<CommentRow[]>;
  /** Parent's id → its oldest replies, at most `each`. */
  previews(of: readonly string[], each: number): Promise<Map<string, CommentRow[]>>;
};

/** Prepared once per database: these are what everybody reads. */
export function prepareThreads(db: Db): Threads {
  const prepare = (list: List) => ({
    newest: pageOf(db, list, 'newest').prepare(`${list}_newest`),
    oldest: pageOf(db, list, 'oldest').prepare(`${list}_oldest`),
  });
  const pages = { top: prepare('top'), replies: prepare('replies') };
  const previews = previewsOf(db).prepare('previews');
  return {
    list(list, sort, { of, after = START[sort], limit }) {
      return pages[list][sort].execute({ of, at: after.at.toISOString(), id: after.id, limit });
    },
    async previews(of, each) {
      if (of.length === 0 || each === 0) return new Map();
      const rows = await previews.execute({ of, each });
      return Map.groupBy(
        rows.map(({ reply }) => reply),
        ({ parentId }) => parentId ?? '',
      );
    },
  };
}
