import type { Db } from '@tertulia/shared/db/database';
import type { Caller } from '@tertulia/shared/http/context';
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { unionAll } from 'drizzle-orm/pg-core';
import { media } from '../db/schema.ts';
import { mediaColumns } from './media.repository.ts';
import type { ListQuery, MediaRow, Sort } from './media.schema.ts';
import { isModerator } from './visibility.ts';

/** The conditions of the indexes on lists, word for word. */
const LISTED = sql`visibility = 'public' and hidden_at is null and deleted_at is null`;
const UNLISTED = sql`deleted_at is null and (visibility <> 'public' or hidden_at is not null)`;

export type Filters = Pick<ListQuery, 'kind' | 'visibility' | 'tag'> & {
  ownerId: string | undefined;
  /** Each the start of a word that must be there. */
  words: readonly string[];
};

/** Where a page starts: after this place in the order. */
export type Place = { id: string; size: number };

type Page = { sort: Sort; limit: number; after: Place | undefined };

/** What comes before the first place of each order. */
const START: Record<Sort, Place> = {
  newest: { id: 'ffffffff-ffff-ffff-ffff-ffffffffffff', size: 0 },
  oldest: { id: '00000000-0000-0000-0000-000000000000', size: 0 },
  largest: { id: 'ffffffff-ffff-ffff-ffff-ffffffffffff', size: Number.MAX_SAFE_INTEGER },
};

/**
 * Whose media a list shows. `listed`: what everybody may find; who knows an unlisted media's id may see it, but
 * lists do not give the id away. `own`: all of one owner, for that owner and for moderators who ask for one;
 * other people's private ones are not theirs to browse. `both`: what everybody may find, and all of one's own.
 */
export type Scope = 'listed' | 'own' | 'both';

function scopeOf(caller: Caller | undefined, ownerId: string | undefined): Scope {
  if (caller === undefined) return 'listed';
  if (ownerId === undefined) return 'both';
  return ownerId === caller.userId || isModerator(caller) ? 'own' : 'listed';
}

/**
 * How words are looked for: `along` the order, which is at its end at once where they are common; only `near` the
 * place where the page starts; or by their index, for which `far` ones are as good as near ones.
 */
type Search = 'along' | 'near' | 'far';

type Shape = { scope: Scope | 'rest'; sort: Sort; words: Search | false } & {
  [Name in 'owner' | 'kind' | 'visibility' | 'tag']: boolean;
};

/** Rows that are looked through before the index of words is asked. */
const NEAR = 2000;

/** A page by keyset in an index's order: it costs the same at any depth. */
export function pageOf(db: Db, { scope, sort, ...has }: Shape) {
  const [id, size, limit] = [sql.placeholder('id'), sql.placeholder('size'), sql.placeholder('limit')];
  const order = {
    newest: sql`id desc`,
    oldest: sql`id asc`,
    largest: sql`size desc, id desc`,
  }[sort];
  const beyond = {
    newest: sql`id < ${id}::uuid`,
    oldest: sql`id > ${id}::uuid`,
    largest: sql`(size, id) < (${size}::bigint, ${id}::uuid)`,
  }[sort];
  const filters = [
    has.kind ? sql`kind = ${sql.placeholder('kind')}::media_kind` : undefined,
    has.visibility ? sql`visibility = ${sql.placeholder('visibility')}::visibility` : undefined,
    has.tag ? sql`tag_keys @> array[${sql.placeholder('tag')}::text]` : undefined,
  ];
  const matches = sql`search @@ to_tsquery('public.media_words', ${sql.placeholder('words')}::text)`;
  // Postgres can't tell how common the start of a word is, so it is not left to choose: ids are made first.
  const search = {
    along: () => matches,
    near: (all: SQL | undefined) => sql`id = any(array(
      select id from (select id, size, search from media where ${all} order by ${order} limit ${NEAR}) as near
      where ${matches} order by ${order} limit ${limit}))`,
    far: () => sql`id = any(array(select id from media where ${matches}))`,
  };
  const branch = (...conditions: (SQL | undefined)[]) => {
    const all = and(...conditions, ...filters, beyond);
    return db
      .select(mediaColumns)
      .from(media)
      .where(has.words === false ? all : and(all, search[has.words](all)))
      .orderBy(order)
      .limit(limit);
  };

  const owner = eq(media.ownerId, sql.placeholder('ownerId'));
  if (scope === 'own') return branch(owner, isNull(media.deletedAt));
  const rest = branch(owner, UNLISTED);
  if (scope === 'rest') return rest;
  const listed = branch(has.owner ? owner : undefined, LISTED);
  if (scope === 'listed') return listed;
  // Two ranges of two indexes, merged: one condition with `or` would walk past what is neither.
  return unionAll(listed, rest).orderBy(order).limit(limit);
}

/** Prepared where it has one plan: what a tag or a word is found by depends on how common it is. */
export function prepareListMedia(db: Db) {
  const prepared = new Map<string, ReturnType<ReturnType<typeof pageOf>['prepare']>>();
  const prepare = (shape: Shape) => {
    // As many as there are shapes, some dozens.
    const name = `list_${Object.values(shape).join('_')}`;
    const known = prepared.get(name);
    if (known !== undefined) return known;
    const query = pageOf(db, shape).prepare(name);
    prepared.set(name, query);
    return query;
  };

  /** One row more than asked for, when there is more. */
  return async function listMedia(
    caller: Caller | undefined,
    filters: Filters,
    { sort, limit, after = START[sort] }: Page,
  ): Promise<MediaRow[]> {
    const { ownerId, kind, visibility, tag, words } = filters;
    const scope = scopeOf(caller, ownerId);
    if (scope === 'listed' && visibility !== undefined && visibility !== 'public') return [];
    const shape: Shape = {
      ...{ scope, sort, owner: ownerId !== undefined, kind: kind !== undefined },
      ...{ visibility: visibility !== undefined, tag: tag !== undefined },
      words: words.length === 0 ? false : 'along',
    };
    const values = {
      ...{ id: after.id, size: after.size, limit: limit + 1, kind, visibility, tag },
      ownerId: ownerId ?? caller?.userId,
      words: words.map((word) => `${word}:*`).join(' & '),
    };
    if (!shape.tag && !shape.words) return prepare(shape).execute(values);
    const run = (change: Partial<Shape>): Promise<MediaRow[]> =>
      pageOf(db, { ...shape, ...change }).execute(values);
    // One owner's are few enough to walk along.
    if (!shape.words || ownerId !== undefined) return run({});
    const near = await run({ scope: 'listed', words: 'near' });
    const listed = near.length > limit ? near : await run({ scope: 'listed', words: 'far' });
    if (scope === 'listed') return listed;
    return [...listed, ...(await run({ scope: 'rest' }))].sort(ORDER[sort]).slice(0, limit + 1);
  };
}

const byId = (a: MediaRow, b: MediaRow) => (a.id < b.id ? -1 : 1);

const ORDER: Record<Sort, (a: MediaRow, b: MediaRow) => number> = {
  newest: (a, b) => byId(b, a),
  oldest: byId,
  largest: (a, b) => b.size - a.size || byId(b, a),
};
