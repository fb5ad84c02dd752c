import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { auditEvents, auditPersonal, auditSeals } from '../db/schema.ts';
import { deriveSecrets } from '../keys/secret.ts';
import { createTestApp } from '../test-app.ts';
import { erasePersonal, rowsOfSeal, sealsAfter } from './audit.repository.ts';
import { audit } from './audit.ts';
import { SEAL_BATCH, sealBatch } from './sealing.ts';
import { verifyAudit } from './verification.ts';

const SECRET = 'mZ8vR2kQ7wXc5tYb1nLp4sHd6fJg9aEu';

let auth: Awaited<ReturnType<typeof createTestApp>>;
let key: CryptoKey;
beforeEach(async () => {
  auth = await createTestApp({ AUTH_SECRET: SECRET });
  key = auth.deps.secrets.audit;
});
afterEach(() => auth.close());

const ana = '0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f';
const ben = '0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e70';

const verdict = (head?: string) => verifyAudit(auth.deps.db, key, head);
const faultOf = async (head?: string) => {
  const found = await verdict(head);
  return found.ok ? 'none' : found.fault;
};

/** Thirty events under three seals; every third names a person. */
async function fill(): Promise<void> {
  for (let n = 0; n < 30; n++) {
    await audit(auth.deps.db, {
      action: 'login.failed',
      actorId: null,
      userId: n % 2 === 0 ? ana : ben,
      after: { z: n, a: { nested: [n, 'ñ'] } },
      ...(n % 3 === 0 ? { personal: { address: `10.0.0.${n}`, userAgent: 'a browser' } } : {}),
    });
    if (n % 10 === 9) await sealBatch(auth.deps.db, key);
  }
}

/** What somebody could do who owns the database, and so can switch its guards off. */
async function tamper(statement: string): Promise<void> {
  await auth.database.sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx.unsafe(statement);
  });
}

describe('the audit log', () => {
  test('is whole when nothing happened to it, rows that wait for a seal included', async () => {
    expect(await verdict()).toEqual({ ok: true, rows: 0, seals: 0, unsealed: 0, head: undefined });
    await fill();
    await audit(auth.deps.db, { action: 'keys.rotated', actorId: null, userId: null });
    const [, , third] = await sealsAfter(auth.deps.db, 0, 10);
    expect(third).toMatchObject({ id: 3, count: 10, firstId: 21, lastId: 30 });
    expect(await verdict(third?.seal)).toEqual({
      ok: true,
      rows: 30,
      seals: 3,
      unsealed: 1,
      head: third?.seal ?? '',
    });
  });

  test.each([
    [
      'a changed action',
      `update audit_events set action = 'login.succeeded' where id = 15`,
      'row 15 was changed',
    ],
    ['a changed detail', `update audit_events set after = '{"z":14}' where id = 15`, 'row 15 was changed'],
    [
      'an instant moved by a microsecond',
      `update audit_events set at = at + interval '1 microsecond' where id = 15`,
      'row 15 was changed',
    ],
    ['another actor', `update audit_events set actor_id = user_id where id = 1`, 'row 1 was changed'],
    ['a lost row', `delete from audit_events where id = 15`, 'row 15 is missing'],
    ['a lost last row of a batch', `delete from audit_events where id = 20`, 'row 20 is missing'],
    [
      'a row taken out of its seal',
      `update audit_events set seal_id = null where id = 15`,
      'row 15 is missing',
    ],
    ['a row moved to another seal', `update audit_events set seal_id = 3 where id = 15`, 'row 15 is missing'],
    [
      'a lost batch',
      `delete from audit_events where seal_id = 2; delete from audit_seals where id = 2`,
      'seal 2 is missing, and with it the rows after row 10',
    ],
    ['a lost seal at the end', `delete from audit_seals where id = 3`, 'row 21: its seal, 3, is missing'],
    [
      'the first seal lost',
      `delete from audit_seals where id = 1`,
      'seal 1 is missing, and with it the rows from the first on',
    ],
    ['all rows of a batch lost', `delete from audit_events where seal_id = 2`, 'row 11 is missing'],
    [
      'two rows swapped',
      `update audit_events set after = case id when 12 then (select after from audit_events where id = 14) else (select after from audit_events where id = 12) end where id in (12, 14)`,
      'row 12 was changed',
    ],
    [
      'a forged row in a seal',
      `insert into audit_events (id, at, action, seal_id) overriding system value values (1000, now(), 'keys.rotated', 2)`,
      'row 1000 was added',
    ],
    [
      'a forged row before a seal',
      `insert into audit_events (id, at, action, seal_id) overriding system value values (0, now(), 'keys.rotated', 1)`,
      'row 0 was added',
    ],
    [
      'a changed list in a seal',
      `update audit_seals set rows = rows - 0 where id = 2`,
      'seal 2 (rows 11 to 20) was changed, or the key is another',
    ],
    [
      'a changed seal',
      `update audit_seals set seal = (select seal from audit_seals where id = 1) where id = 2`,
      'seal 2 (rows 11 to 20) was changed, or the key is another',
    ],
    [
      'changed personal data',
      `update audit_personal set address = '10.9.9.9' where event_id = 13`,
      'row 13: its personal data were changed',
    ],
    [
      'personal data of another',
      `update audit_personal set user_id = '${ben}' where event_id = 13`,
      'row 13: its personal data were changed',
    ],
    [
      'personal data where there were none',
      `insert into audit_personal (event_id, salt, address) values (15, 'x', '10.0.0.1')`,
      'row 15: its personal data were changed',
    ],
    [
      'personal data of no event',
      `insert into audit_personal (event_id, salt, address) values (99, 'x', '10.0.0.1')`,
      'row 99 is missing: its personal data are there',
    ],
  ])('shows %s', async (_, statement, fault) => {
    await fill();
    await tamper(statement);
    expect(await faultOf()).toBe(fault);
  });

  test('shows that its end was cut off, given a head from the logs', async () => {
    await fill();
    const head = (await sealsAfter(auth.deps.db, 2, 1))[0]?.seal;
    await tamper('delete from audit_events where seal_id = 3; delete from audit_seals where id = 3');
    await tamper('delete from audit_personal where event_id > 20');
    expect(await faultOf()).toBe('none');
    expect(await faultOf(head)).toBe('the end is missing: the given head is not in the chain');
  });

  test('stays whole when a person is erased, and nothing of that person is left', async () => {
    await fill();
    await auth.deps.db.transaction((tx) => erasePersonal(tx, ana));
    expect(await faultOf()).toBe('none');
    const left = await auth.deps.db.select().from(auditPersonal);
    expect(new Set(left.map(({ userId }) => userId))).toEqual(new Set([ben]));
  });

  test('is believed by nobody with another key', async () => {
    await fill();
    const { audit: other } = await deriveSecrets('another secret of thirty-two characters');
    expect(await verifyAudit(auth.deps.db, other)).toMatchObject({ ok: false });
  });

  test.each([
    'update audit_events set action = action',
    `update audit_events set after = '{}' where id = 1`,
    'update audit_events set seal_id = 2 where seal_id = 1',
    `update audit_events set seal_id = 4, action = 'x' where seal_id is null`,
    'delete from audit_events',
    'truncate audit_events',
    'update audit_seals set count = 1',
    'delete from audit_seals',
    'truncate audit_seals',
    `update audit_personal set address = ''`,
  ])('is guarded by the database: %s', async (statement) => {
    await fill();
    await audit(auth.deps.db, { action: 'keys.rotated', actorId: null, userId: null });
    await expect(auth.database.sql.unsafe(statement).execute()).rejects.toThrow('append-only');
    expect(await faultOf()).toBe('none');
  });

  test('20,000 rows are sealed in bounded batches and read in bounded pages', async () => {
    await auth.deps.db.execute(sql`
      insert into audit_events (at, action, user_id, after)
      select now(), 'login.failed', ${ana}, jsonb_build_object('n', n) from generate_series(1, 20000) as n`);
    while ((await sealBatch(auth.deps.db, key)) !== undefined);
    const seals = await auth.deps.db.select({ count: auditSeals.count }).from(auditSeals);
    expect(seals.map(({ count }) => count)).toEqual(Array(20).fill(SEAL_BATCH));
    const sizes: number[] = [];
    for await (const page of rowsOfSeal(auth.deps.db, 7, 300)) sizes.push(page.length);
    expect(sizes).toEqual([300, 300, 300, 100]);
    expect(await verdict()).toMatchObject({ ok: true, rows: 20_000, seals: 20, unsealed: 0 });
    await tamper(`update audit_events set after = '{"n":0}' where id = 19999`);
    expect(await faultOf()).toBe('row 19999 was changed');
  });

  test('ten sealers at once make one chain', async () => {
    for (let n = 0; n < 50; n++)
      await audit(auth.deps.db, { action: 'keys.rotated', actorId: null, userId: null });
    await Promise.all(Array.from({ length: 10 }, () => sealBatch(auth.deps.db, key, 7)));
    expect(await verdict()).toMatchObject({ ok: true, rows: 50, seals: 8 });
  });

  test('a row that is committed late is sealed late', async () => {
    const { db } = auth.deps;
    await db.transaction(async (slow) => {
      await audit(slow, { action: 'keys.rotated', actorId: null, userId: ana });
      await audit(db, { action: 'keys.rotated', actorId: null, userId: ben });
      expect((await sealBatch(db, key))?.rows.map(([id]) => id)).toEqual([2]);
    });
    expect((await sealBatch(db, key))?.rows.map(([id]) => id)).toEqual([1]);
    expect(await verdict()).toMatchObject({ ok: true, rows: 2, seals: 2 });
  });
});

describe('bun run audit:verify', () => {
  const PROGRAM = join(import.meta.dir, '../../../platform/audit-verify.ts');

  async function run(...args: string[]) {
    const child = Bun.spawn([process.execPath, PROGRAM, ...args], {
      env: { PATH: process.env.PATH ?? '', AUTH_DATABASE_URL: auth.database.url, AUTH_SECRET: SECRET },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { out, err, code };
  }

  test('says ok with counts and exits 0, or names the first fault and exits 1', async () => {
    await fill();
    const good = await run();
    const head = (await sealsAfter(auth.deps.db, 2, 1))[0]?.seal ?? '';
    expect(good).toEqual({
      out: `audit log: ok, 30 rows under 3 seals, 0 not sealed yet; head ${head}\n`,
      err: '',
      code: 0,
    });
    expect((await run('--head', head)).code).toBe(0);
    await tamper(`update audit_events set action = 'x' where id = 4`);
    expect(await run()).toEqual({ out: '', err: 'audit log: row 4 was changed\n', code: 1 });
    expect((await auth.deps.db.select().from(auditEvents)).length).toBe(30);
  });
});
