import type { Db } from '@tertulia/shared/db/database';
import { startLeader } from '@tertulia/shared/db/leader';
import type { Log } from '@tertulia/shared/runtime/log';
import { type Loop, pause } from '@tertulia/shared/runtime/loop';
import { hashOf } from '../keys/seal.ts';
import {
  insertSeal,
  lastSeal,
  lockSeals,
  type SealedRow,
  type SealRow,
  unsealedRows,
} from './audit.repository.ts';

/** Rows under one seal, at most. */
export const SEAL_BATCH = 1000;
const IDLE_MS = 1000;

/**
 * Seals what was written since the last seal, in id order: one batch, and undefined when there is nothing.
 * Rows that were committed late come with a later batch.
 */
export function sealBatch(
  db: Db,
  key: CryptoKey,
  limit = SEAL_BATCH,
): Promise<Omit<SealRow, 'createdAt'> | undefined> {
  return db.transaction(async (tx) => {
    await lockSeals(tx);
    const rows = await unsealedRows(tx, limit);
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const before = await lastSeal(tx);
    const batch = {
      id: (before?.id ?? 0) + 1,
      count: rows.length,
      firstId: first.id,
      lastId: last.id,
      rows: rows.map((row): [number, string] => [row.id, digestOf(row)]),
    };
    const sealed = { ...batch, seal: await sealOf(key, before?.seal ?? '', batch) };
    await insertSeal(tx, sealed);
    return sealed;
  });
}

/** SHA-256 of everything an event says, independent of the order in which its keys are kept. */
export function digestOf(row: SealedRow): string {
  const { id, at, action, actorId, userId, sessionId, before, after, personalHash } = row;
  return hashOf(
    JSON.stringify(sorted([id, at, action, actorId, userId, sessionId, before, after, personalHash])),
  );
}

/** Chains a batch to the seal before it. Nobody without the key can make one that fits. */
export async function sealOf(
  key: CryptoKey,
  before: string,
  { id, count, firstId, lastId, rows }: Pick<SealRow, 'id' | 'count' | 'firstId' | 'lastId' | 'rows'>,
): Promise<string> {
  const text = JSON.stringify([before, id, count, firstId, lastId, rows]);
  return Buffer.from(await crypto.subtle.sign('HMAC', key, Buffer.from(text))).toString('base64url');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

type Options = { db: Db; url: string; key: CryptoKey; log: Log };

/**
 * Seals behind the requests, in one process at a time. Each head is logged: a chain whose end was cut off is
 * whole in itself, and only an older copy of its head tells.
 */
export function startSealing({ db, url, key, log }: Options): Loop {
  return startLeader({
    url,
    name: 'audit-seals',
    log,
    async lead(signal) {
      while (!signal.aborted) {
        const sealed = await sealBatch(db, key);
        if (sealed !== undefined) {
          const { id, count, lastId, seal } = sealed;
          log.info({ seal, sealId: id, rows: count, lastId }, 'audit log sealed');
        }
        if ((sealed?.count ?? 0) < SEAL_BATCH) await pause(IDLE_MS, signal);
      }
    },
  });
}
