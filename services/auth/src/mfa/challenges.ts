import type { Db } from '@tertulia/shared/db/database';
import type { Log } from '@tertulia/shared/runtime/log';
import { every, type Loop } from '@tertulia/shared/runtime/loop';
import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { challenges } from '../db/schema.ts';

export const CHALLENGE_SECONDS = 300;
const ID_BYTES = 16;
const RANDOM_BYTES = 32;
const SWEEP_MS = 60_000;
const SWEEP_BATCH = 1000;

/** What an authenticator has to sign. Its first bytes are its row's id, so that it is found by itself. */
export async function makeChallenge(db: Db, userId: string | null): Promise<Uint8Array<ArrayBuffer>> {
  const id = Bun.randomUUIDv7();
  const bytes = new Uint8Array(ID_BYTES + RANDOM_BYTES);
  bytes.set(uuidBytes(id));
  crypto.getRandomValues(bytes.subarray(ID_BYTES));
  const expiresAt = new Date(Date.now() + CHALLENGE_SECONDS * 1000);
  await db
    .insert(challenges)
    .values({ id, userId, challenge: Buffer.from(bytes).toString('base64url'), expiresAt });
  return bytes;
}

const clientData = z.object({ challenge: z.string().regex(/^[\w-]{64}$/) });

/**
 * The challenge that a response was made for, which is used up by this, whatever becomes of the response;
 * undefined when it is none of ours, was used, is too old, or was given to somebody else.
 */
export async function takeChallenge(
  db: Db,
  clientDataJSON: string,
  userId: string | null,
): Promise<string | undefined> {
  const challenge = challengeOf(clientDataJSON);
  if (challenge === undefined) return undefined;
  const id = Buffer.from(challenge, 'base64url').subarray(0, ID_BYTES).toString('hex');
  const taken = await db
    .delete(challenges)
    .where(
      and(
        eq(challenges.id, id),
        eq(challenges.challenge, challenge),
        userId === null ? isNull(challenges.userId) : eq(challenges.userId, userId),
        gt(challenges.expiresAt, sql`now()`),
      ),
    )
    .returning({ id: challenges.id });
  return taken.length === 1 ? challenge : undefined;
}

function challengeOf(clientDataJSON: string): string | undefined {
  try {
    const data = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString());
    return clientData.safeParse(data).data?.challenge;
  } catch {
    return undefined;
  }
}

/** The 16 bytes of a UUID. */
export function uuidBytes(id: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(id.replaceAll('-', ''), 'hex'));
}

/** Forgets what nobody signed in time, a thousand at once. Returns how many went. */
export async function sweepChallenges(db: Db): Promise<number> {
  const gone = await db.execute(sql`
    delete from ${challenges} where id in (
      select id from ${challenges} where expires_at < now() limit ${SWEEP_BATCH}
    ) returning 1`);
  return gone.length;
}

/** Sweeps once a minute, in every replica: two at once do no harm. */
export function startChallengeSweep(db: Db, log: Log): Loop {
  async function sweep(): Promise<void> {
    while ((await sweepChallenges(db)) === SWEEP_BATCH);
  }
  return every(SWEEP_MS, sweep, (err) => log.warn({ err }, 'challenges not swept'));
}
