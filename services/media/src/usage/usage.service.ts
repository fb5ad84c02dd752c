import type { Executor, Tx } from '@tertulia/shared/db/database';
import { announce } from '@tertulia/shared/events/announce';
import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import type { MediaEnv } from '../env.ts';
import { addReserved, addUsed, dropReserved, dropUsed, findUsage, writeQuota } from './usage.repository.ts';
import type { Usage } from './usage.schema.ts';

/** Nobody stores more than this; as a quota it is none. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

type Quota = Pick<MediaEnv, 'QUOTA_BYTES'>;
type Trace = { traceparent: string | undefined };

const limitOf = ({ QUOTA_BYTES }: Quota) => (QUOTA_BYTES === 0 ? NO_LIMIT : QUOTA_BYTES);

/**
 * Holds bytes for an upload, in the caller's transaction, which locks the user's row until it ends. Whoever
 * reserves notes how much (`uploads.reserved`) and gives exactly that to {@link settle} or {@link release}.
 *
 * @throws {Problem} `quota_exceeded`
 */
export async function reserve(tx: Tx, env: Quota, userId: string, bytes: number): Promise<void> {
  if (bytes === 0) return;
  if (await addReserved(tx, userId, bytes, limitOf(env))) return;
  throw new Problem('quota_exceeded', 'Deleting media for good makes room.');
}

/** Turns what was reserved into a file of `size` bytes. Tells when that fills the quota to 90 or 100 %. */
export async function settle(
  tx: Tx,
  env: Quota,
  { userId, reserved, size }: { userId: string; reserved: number; size: number },
  trace: Trace,
): Promise<void> {
  const { usedBytes, quotaBytes } = await addUsed(tx, userId, size, reserved);
  const quota = quotaBytes ?? limitOf(env);
  if (levelOf(usedBytes, quota) <= levelOf(usedBytes - size, quota)) return;
  const data = { userId, usedBytes, quotaBytes: quota };
  await announce(tx, { type: 'quota.reached', actorId: userId, data, ...trace });
}

/** Gives back what was reserved for an upload that comes to nothing. */
export async function release(tx: Tx, userId: string, reserved: number): Promise<void> {
  if (reserved > 0) await dropReserved(tx, userId, reserved);
}

/** Counts media that are gone for good; those in the trash still count. */
export async function free(tx: Tx, media: readonly { ownerId: string; size: number }[]): Promise<void> {
  if (media.length > 0) await dropUsed(tx, media);
}

/** Bytes that a user may still store: to refuse early. {@link reserve} decides. */
export async function roomOf(db: Executor, env: Quota, userId: string): Promise<number> {
  const row = await findUsage(db, userId);
  if (row === undefined) return limitOf(env);
  return Math.max(0, (row.quotaBytes ?? limitOf(env)) - row.usedBytes - row.reservedBytes);
}

export async function usageOf({ db, env }: Deps, userId: string): Promise<Usage> {
  const row = await findUsage(db, userId);
  return toUsage(env, row ?? { usedBytes: 0, reservedBytes: 0, files: 0, quotaBytes: null });
}

/** A quota of its own for a user, or null for the installation's. What is stored stays, however much it is. */
export async function setQuota({ db, env }: Deps, userId: string, quotaBytes: number | null): Promise<Usage> {
  return toUsage(env, await db.transaction((tx) => writeQuota(tx, userId, quotaBytes)));
}

type Counted = { usedBytes: number; reservedBytes: number; files: number; quotaBytes: number | null };

function toUsage(env: Quota, { usedBytes, reservedBytes, files, quotaBytes }: Counted): Usage {
  const quota = quotaBytes ?? limitOf(env);
  return { usedBytes, reservedBytes, quotaBytes: quota === NO_LIMIT ? null : quota, files };
}

function levelOf(used: number, quota: number): number {
  if (used >= quota) return 2;
  return used >= quota * 0.9 ? 1 : 0;
}
