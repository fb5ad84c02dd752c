import { announce } from '@tertulia/shared/events/announce';
import type { Caller } from '@tertulia/shared/http/context';
import type { Deps } from '../deps.ts';
import { countMedia, lockMedia } from '../media/media.repository.ts';
import { lockSeen, subjectOf, type Trace } from '../media/media.service.ts';
import { deleteLike, insertLike, likedBy } from './likes.repository.ts';

/**
 * One like a user, counted under the lock of the media. The owner hears of other people's.
 *
 * @throws {Problem} `not_found`
 */
export async function like({ db }: Deps, caller: Caller, id: string, trace: Trace): Promise<void> {
  await db.transaction(async (tx) => {
    const row = await lockSeen(tx, caller, id);
    if (!(await insertLike(tx, id, caller.userId))) return;
    const { likes } = await countMedia(tx, id, { likes: row.likes + 1 });
    if (caller.userId === row.ownerId) return;
    const data = { ...subjectOf(row), userId: caller.userId, username: caller.username, likes };
    await announce(tx, { type: 'media.liked', actorId: caller.userId, data, ...trace });
  });
}

/** @throws {Problem} `not_found` */
export async function unlike({ db }: Deps, caller: Caller, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    const row = await lockSeen(tx, caller, id);
    if (await deleteLike(tx, id, caller.userId)) await countMedia(tx, id, { likes: row.likes - 1 });
  });
}

/** Takes back likes of a user who has gone. Returns how many there were, at most `limit`. */
export async function unlikeAllOf({ db }: Deps, userId: string, limit: number): Promise<number> {
  const liked = await likedBy(db, userId, limit);
  for (const id of liked) {
    await db.transaction(async (tx) => {
      const row = await lockMedia(tx, id);
      if (row === undefined || !(await deleteLike(tx, id, userId))) return;
      await countMedia(tx, id, { likes: row.likes - 1 });
    });
  }
  return liked.length;
}
