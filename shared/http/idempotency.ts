import { z } from '@hono/zod-openapi';
import { and, eq, gte, lt, sql } from 'drizzle-orm';
import { jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { Db, Executor, Tx } from '../db/database.ts';
import type { Log } from '../runtime/log.ts';
import { every, type Loop } from '../runtime/loop.ts';
import { Problem } from './problem.ts';

/** Keys and the answers they stand for; each service's schema re-exports this table. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    caller: text().notNull(),
    key: text().notNull(),
    /** Hash of route and body: the same key with another one is a mistake of the client. */
    fingerprint: text().notNull(),
    answer: jsonb(),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.caller, table.key] })],
);

/** The request header, for route declarations. */
export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'is 1 to 255 visible ASCII characters')
    .optional()
    .openapi({ description: 'Makes a repeated call replay the first answer for 24 hours.' }),
});

const KEPT_MS = 24 * 3600 * 1000;
const SWEEP_MS = 3600 * 1000;
const SWEEP_BATCH = 1000;

/** What a key stands for: the same caller, route and body. */
export type IdempotentRequest = { key: string | undefined; caller: string; route: string; body: unknown };

/**
 * Runs `effect` in a transaction, once per key: key and answer are committed with the effect, so a crash
 * leaves both or neither. Parallel calls with one key wait for the first and replay its answer. An effect
 * that throws rolls everything back and leaves the key free.
 *
 * @throws {Problem} `idempotency_key_reused` when the key came with another body before.
 */
export async function idempotently<Answer>(
  db: Db,
  request: IdempotentRequest,
  effect: (tx: Tx) => Promise<Answer>,
): Promise<{ answer: Answer; replayed: boolean }> {
  const { key, caller } = request;
  if (key === undefined) return { answer: await db.transaction(effect), replayed: false };
  const fingerprint = fingerprintOf(request);
  const mine = and(eq(idempotencyKeys.caller, caller), eq(idempotencyKeys.key, key));

  return db.transaction(async (tx) => {
    await tx
      .delete(idempotencyKeys)
      .where(and(mine, lt(idempotencyKeys.createdAt, new Date(Date.now() - KEPT_MS))));
    // Waits for a parallel holder of the key, until that commits (conflict) or rolls back (ours).
    const claimed = await tx
      .insert(idempotencyKeys)
      .values({ caller, key, fingerprint })
      .onConflictDoNothing()
      .returning({ key: idempotencyKeys.key });
    if (claimed.length === 1) {
      const answer = await effect(tx);
      await tx.update(idempotencyKeys).set({ answer }).where(mine);
      return { answer, replayed: false };
    }
    const [first] = await tx.select().from(idempotencyKeys).where(mine);
    if (first === undefined || first.fingerprint !== fingerprint) throw reused();
    return { answer: first.answer as Answer, replayed: true };
  });
}

/**
 * The answer that a key has had already: for whom it costs much to come to the effect. Whoever finds none goes
 * on to {@link idempotently}, since another may be doing the same.
 *
 * @throws {Problem} `idempotency_key_reused`
 */
export async function earlierAnswer<Answer>(db: Db, request: IdempotentRequest): Promise<Answer | undefined> {
  const { key, caller } = request;
  if (key === undefined) return undefined;
  const [first] = await db
    .select()
    .from(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.caller, caller),
        eq(idempotencyKeys.key, key),
        gte(idempotencyKeys.createdAt, new Date(Date.now() - KEPT_MS)),
      ),
    );
  if (first === undefined) return undefined;
  if (first.fingerprint !== fingerprintOf(request)) throw reused();
  return first.answer as Answer;
}

function fingerprintOf({ route, body }: IdempotentRequest): string {
  return new Bun.CryptoHasher('sha256').update(JSON.stringify([route, body])).digest('base64url');
}

const reused = () => new Problem('idempotency_key_reused', 'Use a new key for another request.');

/** Forgets keys older than a day, a thousand at a time. Returns how many went. */
export async function sweepIdempotencyKeys(db: Db): Promise<number> {
  const gone = await db.execute(sql`
    delete from idempotency_keys where ctid in (
      select ctid from idempotency_keys where created_at < now() - interval '24 hours' limit ${SWEEP_BATCH}
    ) returning 1`);
  return gone.length;
}

/** Forgets all of one caller, with the answers that are kept for it. */
export async function forgetIdempotencyKeys(db: Executor, caller: string): Promise<void> {
  await db.delete(idempotencyKeys).where(eq(idempotencyKeys.caller, caller));
}

/** Sweeps once an hour, in every replica: two at once do no harm. */
export function startIdempotencySweep(db: Db, log: Log): Loop {
  async function sweep(): Promise<void> {
    while ((await sweepIdempotencyKeys(db)) === SWEEP_BATCH);
  }
  return every(SWEEP_MS, sweep, (err) => log.warn({ err }, 'idempotency keys not swept'));
}
