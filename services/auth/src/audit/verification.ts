import type { Db, Executor } from '@tertulia/shared/db/database';
import {
  countUnsealed,
  rowBeyondSeals,
  rowsOfSeal,
  type SealRow,
  sealsAfter,
  strayPersonal,
} from './audit.repository.ts';
import { personalHashOf } from './audit.ts';
import { digestOf, sealOf } from './sealing.ts';

const SEALS_PAGE = 20;
const ROWS_PAGE = 500;

export type Verdict =
  | { ok: true; rows: number; seals: number; unsealed: number; head: string | undefined }
  | { ok: false; fault: string };

class Fault extends Error {}

/**
 * Looks whether the audit log is what was sealed, from the first row to the last, in pages: memory does not
 * grow with it. `head` is a seal from the logs: without one, a chain that lost its end looks whole. Rows that
 * are not sealed yet are counted and believed.
 */
export async function verifyAudit(db: Db, key: CryptoKey, head?: string): Promise<Verdict> {
  try {
    return await db.transaction((tx) => verifyChain(tx, key, head), {
      isolationLevel: 'repeatable read',
      accessMode: 'read only',
    });
  } catch (error) {
    if (error instanceof Fault) return { ok: false, fault: error.message };
    throw error;
  }
}

async function verifyChain(db: Executor, key: CryptoKey, head: string | undefined): Promise<Verdict> {
  let last: SealRow | undefined;
  let rows = 0;
  let seen = head === undefined;
  for (let full = true; full; ) {
    const seals = await sealsAfter(db, last?.id ?? Number.MIN_SAFE_INTEGER, SEALS_PAGE);
    full = seals.length === SEALS_PAGE;
    for (const seal of seals) {
      await verifySeal(key, last, seal);
      await verifyRows(db, seal);
      rows += seal.count;
      seen ||= seal.seal === head;
      last = seal;
    }
  }
  const beyond = await rowBeyondSeals(db, last?.id ?? 0);
  if (beyond !== undefined) throw new Fault(`row ${beyond.id}: its seal, ${beyond.sealId}, is missing`);
  const stray = await strayPersonal(db);
  if (stray !== undefined) throw new Fault(`row ${stray} is missing: its personal data are there`);
  if (!seen) throw new Fault('the end is missing: the given head is not in the chain');
  return { ok: true, rows, seals: last?.id ?? 0, unsealed: await countUnsealed(db), head: last?.seal };
}

async function verifySeal(key: CryptoKey, last: SealRow | undefined, seal: SealRow): Promise<void> {
  const wanted = (last?.id ?? 0) + 1;
  if (seal.id !== wanted) {
    const after = last === undefined ? 'from the first on' : `after row ${last.lastId}`;
    throw new Fault(`seal ${wanted} is missing, and with it the rows ${after}`);
  }
  if ((await sealOf(key, last?.seal ?? '', seal)) === seal.seal) return;
  throw new Fault(
    `seal ${seal.id} (rows ${seal.firstId} to ${seal.lastId}) was changed, or the key is another`,
  );
}

/** Both lists are in the order of ids: the first difference names the row. */
async function verifyRows(db: Executor, seal: SealRow): Promise<void> {
  let at = 0;
  for await (const page of rowsOfSeal(db, seal.id, ROWS_PAGE)) {
    for (const { event, personal } of page) {
      const [id, digest] = seal.rows[at++] ?? [];
      if (id === undefined || event.id < id) throw new Fault(`row ${event.id} was added`);
      if (event.id > id) throw new Fault(`row ${id} is missing`);
      if (digestOf(event) !== digest) throw new Fault(`row ${id} was changed`);
      if (personal === null) continue;
      const fits =
        personalHashOf(personal) === event.personalHash &&
        personal.userId === (event.actorId ?? event.userId);
      if (!fits) throw new Fault(`row ${id}: its personal data were changed`);
    }
  }
  const [missing] = seal.rows[at] ?? [];
  if (missing !== undefined) throw new Fault(`row ${missing} is missing`);
}
