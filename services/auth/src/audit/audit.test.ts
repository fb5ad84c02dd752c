import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createLog } from '@tertulia/shared/runtime/log';
import { eventually } from '@tertulia/shared/testing/eventually';
import { createTestApp } from '../test-app.ts';
import { audit } from './audit.ts';
import { sweepPersonal } from './personal-sweep.ts';
import { sealBatch, startSealing } from './sealing.ts';
import { verifyAudit } from './verification.ts';

type TestApp = Awaited<ReturnType<typeof createTestApp>>;

let auth: TestApp;
let admin: Awaited<ReturnType<TestApp['signUp']>>;
beforeAll(async () => {
  auth = await createTestApp();
  admin = await auth.signUp('ADMIN');
});
afterAll(() => auth.close());

const list = (query: string, as: { token: string } = admin) =>
  auth.call('GET', `/auth/audit?${query}`, { as });

describe('GET /auth/audit', () => {
  test('200, newest first, with what names a person as long as that is kept', async () => {
    const user = await auth.signUp();
    const personal = { address: '203.0.113.7', userAgent: 'x'.repeat(600), email: 'ana@example.org' };
    await audit(auth.deps.db, { action: 'login.failed', actorId: null, userId: user.id, personal });
    await audit(auth.deps.db, {
      action: 'user.role_changed',
      actorId: admin.id,
      userId: user.id,
      before: { role: 'USER' },
      after: { role: 'MODERATOR' },
    });
    const { status, body } = await list(`userId=${user.id}`);
    expect(status).toBe(200);
    expect(body.items[0]).toEqual({
      id: expect.any(Number),
      at: expect.stringMatching(/Z$/),
      action: 'user.role_changed',
      actorId: admin.id,
      userId: user.id,
      sessionId: null,
      before: { role: 'USER' },
      after: { role: 'MODERATOR' },
      address: null,
      userAgent: null,
      email: null,
      sealed: false,
    });
    expect(body.items[1]).toMatchObject({
      action: 'login.failed',
      actorId: null,
      address: '203.0.113.7',
      userAgent: 'x'.repeat(512),
      email: 'ana@example.org',
    });
  });

  test('filters by user and action; pages give each once, stable while more is written', async () => {
    const user = await auth.signUp();
    for (let n = 0; n < 7; n++) {
      await audit(auth.deps.db, { action: 'login.failed', actorId: null, userId: user.id, after: { n } });
    }
    await audit(auth.deps.db, { action: 'password.changed', actorId: user.id, userId: user.id });
    const seen: number[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await list(`userId=${user.id}&action=login.failed&limit=3${cursor}`);
      seen.push(...body.items.map(({ after }: { after: { n: number } }) => after.n));
      await audit(auth.deps.db, { action: 'login.failed', actorId: null, userId: user.id, after: { n: 99 } });
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect((await list('action=password.changed&limit=100')).body.items).toHaveLength(1);
    expect((await list(`userId=${Bun.randomUUIDv7()}`)).body).toEqual({ items: [], nextCursor: null });
  });

  test('403 below ADMIN, 401 for nobody, 400 for bad pages, 422 for bad filters', async () => {
    for (const role of ['USER', 'MODERATOR'] as const) {
      const as = await auth.signUp(role);
      for (const query of ['', `userId=${as.id}`, `userId=${admin.id}`]) {
        expect((await list(query, as)).status).toBe(403);
      }
    }
    expect((await auth.call('GET', '/auth/audit')).status).toBe(401);
    for (const query of ['limit=0', 'limit=101', 'limit=1&limit=2', 'cursor=nonsense', 'cursor=']) {
      expect((await list(query)).status).toBe(400);
    }
    for (const query of ['action=nothing', 'action=', 'userId=me', 'userId=%00', "userId='--"]) {
      expect((await list(query)).status).toBe(422);
    }
  });
});

describe('sealing in the background', () => {
  test('two at once seal what comes, in one chain', async () => {
    const { db, secrets } = auth.deps;
    const log = createLog('test', 'silent');
    const loops = [1, 2].map(() => startSealing({ db, url: auth.database.url, key: secrets.audit, log }));
    for (let n = 0; n < 20; n++) await audit(db, { action: 'keys.rotated', actorId: null, userId: null });
    await eventually(async () => {
      const { body } = await list('action=keys.rotated&limit=100');
      return body.items.every(({ sealed }: { sealed: boolean }) => sealed);
    });
    await Promise.all(loops.map((loop) => loop.stop()));
    expect(await verifyAudit(db, secrets.audit)).toMatchObject({ ok: true, unsealed: 0 });
  });
});

describe('personal data in the audit log', () => {
  test('are erased when they are old, whoever they are of; events stay, and stay sealed', async () => {
    const own = await createTestApp();
    const { db, secrets } = own.deps;
    await own.database.sql`
      insert into audit_events (at, action) select now() - interval '31 days', 'login.failed' from generate_series(1, 2300)`;
    await own.database.sql`
      insert into audit_personal (event_id, salt, address) select id, 'salt', '203.0.113.7' from audit_events`;
    await own.signUp();
    const personal = { address: '203.0.113.8' };
    await audit(db, { action: 'login.failed', actorId: null, userId: null, personal });
    const young = 'select count(*)::int as n from audit_personal where event_id > 2300';
    const [{ n: before } = { n: 0 }] = await own.database.sql.unsafe(young);
    await sweepPersonal(db, 30);
    const [{ n: left } = { n: 0 }] = await own.database.sql`select count(*)::int as n from audit_personal`;
    expect(left).toBe(before);
    expect(left).toBeGreaterThan(0);
    while ((await sealBatch(db, secrets.audit)) !== undefined);
    expect(await verifyAudit(db, secrets.audit)).toMatchObject({ ok: true });
    await sweepPersonal(db, 0);
    expect(await verifyAudit(db, secrets.audit)).toMatchObject({ ok: true });
    await own.close();
  });
});

test('a registration is audited, with where it came from', async () => {
  const body = { username: 'newcomer', email: 'newcomer@example.org', password: 'correct horse battery' };
  const made = await auth.call('POST', '/auth/register', { body, headers: { 'User-Agent': 'a browser' } });
  const { items } = (await list(`userId=${made.body.user.id}&action=user.registered`)).body;
  expect(items).toMatchObject([
    { actorId: made.body.user.id, after: { role: 'USER' }, userAgent: 'a browser', email: null },
  ]);
});
