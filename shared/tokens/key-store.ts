import { notInArray, sql } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { type KeyStore, publicJwk } from './keys.ts';
import { verificationKeys } from './tables.ts';

/** A service's own table: one that starts while auth is away verifies by the last key set that it had. */
export function keyStore(db: Db): KeyStore {
  return {
    async load() {
      const rows = await db.select().from(verificationKeys);
      return rows.flatMap(({ jwk }) => publicJwk.safeParse(jwk).data ?? []);
    },
    async save(keys) {
      const kids = keys.map(({ kid }) => kid);
      await db.transaction(async (tx) => {
        // Processes that fetched at the same time take turns.
        await tx.execute(sql`select pg_advisory_xact_lock(hashtext('verification keys'))`);
        await tx.delete(verificationKeys).where(notInArray(verificationKeys.kid, kids));
        await tx
          .insert(verificationKeys)
          .values(keys.map((jwk) => ({ kid: jwk.kid, jwk })))
          .onConflictDoUpdate({ target: verificationKeys.kid, set: { jwk: sql`excluded.jwk` } });
      });
    },
  };
}
