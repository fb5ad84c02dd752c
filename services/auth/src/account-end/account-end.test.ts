import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { outbox } from '@tertulia/shared/events/tables';
import { asc, eq } from 'drizzle-orm';
import { sealBatch } from '../audit/sealing.ts';
import { verifyAudit } from '../audit/verification.ts';
import {
  auditEvents,
  auditPersonal,
  knownDevices,
  mails,
  oneTimeTokens,
  passkeys,
  recoveryCodes,
  refreshTokens,
  sessions,
  totpFactors,
  users,
} from '../db/schema.ts';
import { hashOf, randomToken, unseal } from '../keys/seal.ts';
import { createTestApp } from '../test-app.ts';
import { deleteIfDue } from './account-end.service.ts';
import { sweepAccounts } from './sweep.ts';

type TestApp = Awaited<ReturnType<typeof createTestApp>>;
type Person = Awaited<ReturnType<TestApp['signUp']>>;

let auth: TestApp;
let admin: Person;
beforeAll(async () => {
  auth = await createTestApp();
  admin = await auth.signUp('ADMIN');
});
afterAll(() => auth.close());

const end = (as: Person, body: unknown = { password: as.password }) =>
  auth.call('DELETE', '/auth/account', { as, body });
const restore = ({ email, password }: Pick<Person, 'email' | 'password'>) =>
  auth.call('POST', '/auth/account/restore', { body: { email, password } });
const login = ({ email, password }: Person) =>
  auth.call('POST', '/auth/login', { body: { email, password } });
const remove = (as: { token: string }, id: string, headers: Record<string, string> = {}) =>
  auth.call('DELETE', `/auth/users/${id}`, { as, headers });

const rowOf = async (id: string) => (await auth.database.db.select().from(users).where(eq(users.id, id)))[0];

/** Lets the days pass in which an account can be restored. */
const letTimePass = (id: string) =>
  auth.database.db
    .update(users)
    .set({ deleteAt: new Date(Date.now() - 1000) })
    .where(eq(users.id, id));

const told = async (id: string) => {
  const rows = await auth.database.db
    .select()
    .from(outbox)
    .where(eq(outbox.subject, `user:${id}`))
    .orderBy(asc(outbox.id));
  return rows.map(({ envelope }) => JSON.parse(envelope)).filter(({ type }) => type === 'user.deleted');
};

const actionsOf = async (id: string) =>
  (
    await auth.database.db
      .select()
      .from(auditEvents)
      .where(eq(auditEvents.userId, id))
      .orderBy(asc(auditEvents.id))
  ).map(({ action }) => action);

const mailsTo = async (address: string): Promise<string[]> => {
  const rows = await auth.database.db.select().from(mails).orderBy(asc(mails.id));
  const opened = await Promise.all(
    rows.map(async ({ sealed }) => JSON.parse(await unseal(auth.deps.secrets.mails, sealed))),
  );
  return opened.filter(({ to }) => to === address).map(({ template }) => template);
};

/** Something in every table that holds anything of a user. */
async function leaveTraces({ id }: Person): Promise<void> {
  const { db } = auth.database;
  const expiresAt = new Date(Date.now() + 60_000);
  await db.insert(totpFactors).values({ userId: id, sealedSecret: 'x' });
  await db.insert(recoveryCodes).values({ userId: id, hash: randomToken() });
  await db.insert(knownDevices).values({ userId: id, hash: randomToken() });
  await db
    .insert(oneTimeTokens)
    .values({ userId: id, purpose: 'reset_password', hash: randomToken(), expiresAt });
  await db.insert(passkeys).values({
    id: randomToken(),
    userId: id,
    publicKey: 'key material',
    counter: 0,
    transports: ['usb'],
    name: 'mine',
  });
}

/** Every row that still names the user, by table. */
async function tracesOf(id: string): Promise<string[]> {
  const { db } = auth.database;
  const tables = {
    sessions,
    totpFactors,
    recoveryCodes,
    knownDevices,
    oneTimeTokens,
    passkeys,
    auditPersonal,
  };
  const found: string[] = [];
  for (const [name, table] of Object.entries(tables)) {
    if ((await db.$count(table, eq(table.userId, id))) > 0) found.push(name);
  }
  return found;
}

describe('DELETE /auth/account', () => {
  test('202: sessions are over, sign-in tells until when the account can be restored', async () => {
    const user = await auth.signUp();
    const { status, body } = await end(user);
    expect(status).toBe(202);
    const days = (Date.parse(body.deleteAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
    const { refreshToken } = user;
    expect((await auth.call('POST', '/auth/refresh', { body: { refreshToken } })).status).toBe(401);
    const refused = await login(user);
    expect([refused.status, refused.body.code, refused.body.deleteAt]).toEqual([
      403,
      'account_ending',
      body.deleteAt,
    ]);
    expect((await login({ ...user, password: 'wrong password' })).body.code).toBe('invalid_credentials');
    expect((await auth.call('GET', `/auth/users/${user.id}`)).status).toBe(200);
    expect(await actionsOf(user.id)).toContain('user.deletion_requested');
    expect(await mailsTo(user.email)).toContain('deletion_requested');
    expect(await told(user.id)).toEqual([]);
  });

  test('401 for a wrong password, which is written down, and without a token; 422 for bad fields', async () => {
    const user = await auth.signUp();
    const wrong = await end(user, { password: 'wrong password' });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_credentials']);
    expect(await actionsOf(user.id)).toContain('login.failed');
    for (const body of [{}, { password: '' }, { password: 7 }, { password: user.password, now: true }]) {
      expect((await end(user, body)).status).toBe(422);
    }
    expect((await auth.call('DELETE', '/auth/account', { body: { password: 'x' } })).status).toBe(401);
    expect((await rowOf(user.id))?.deleteAt).toBeNull();
    expect((await login(user)).status).toBe(200);
  });
});

describe('POST /auth/account/restore', () => {
  test('200: the user signs in again, and is told', async () => {
    const user = await auth.signUp();
    await end(user);
    const { status, body } = await restore(user);
    expect([status, body.id, body.status, body.deleteAt]).toEqual([200, user.id, 'active', null]);
    expect(body.accessToken).toBeUndefined();
    expect((await login(user)).status).toBe(200);
    expect(await actionsOf(user.id)).toContain('user.restored');
    expect(await mailsTo(user.email)).toContain('account_restored');
  });

  test('the same 401 for a wrong password and an unknown account; 409 for one that nobody has ended', async () => {
    const user = await auth.signUp();
    expect((await restore(user)).status).toBe(409);
    await end(user);
    const wrong = await restore({ ...user, password: 'wrong password' });
    const unknown = await restore({ email: 'no@example.org', password: 'wrong password' });
    for (const { status, body } of [wrong, unknown])
      expect([status, body.code]).toEqual([401, 'invalid_credentials']);
    expect({ ...wrong.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    expect((await auth.call('POST', '/auth/account/restore', { body: {} })).status).toBe(422);
    expect((await rowOf(user.id))?.deleteAt).not.toBeNull();
  });

  test('counts as a sign-in does: 429 after five failures', async () => {
    const strict = await createTestApp({ RATE_LIMIT_SCALE: '1' });
    const { email } = await strict.signUp();
    const body = { email, password: 'wrong password' };
    const statuses = [];
    for (let n = 0; n < 6; n++) {
      statuses.push((await strict.call('POST', '/auth/account/restore', { body })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await strict.call('POST', '/auth/login', { body })).status).toBe(429);
    await strict.close();
  });

  test('does not end a suspension', async () => {
    const user = await auth.signUp();
    await end(user);
    await auth.call('PUT', `/auth/users/${user.id}/suspension`, { as: admin, body: { reason: 'x' } });
    expect((await restore(user)).body.status).toBe('suspended');
    expect((await login(user)).body.code).toBe('account_suspended');
  });
});

describe('when the days are over', () => {
  test('nothing is left of the user but ids in the audit log, which stays whole', async () => {
    const user = await auth.signUp();
    await login({ ...user, password: 'wrong password' });
    await leaveTraces(user);
    await end(user);
    while ((await sealBatch(auth.deps.db, auth.deps.secrets.audit)) !== undefined);
    expect((await tracesOf(user.id)).length).toBe(7);
    await letTimePass(user.id);
    await Promise.all([sweepAccounts(auth.deps), sweepAccounts(auth.deps)]);
    expect(await rowOf(user.id)).toBeUndefined();
    expect(await tracesOf(user.id)).toEqual([]);
    expect(
      await auth.database.db.$count(refreshTokens, eq(refreshTokens.hash, hashOf(user.refreshToken))),
    ).toBe(0);
    expect(await told(user.id)).toMatchObject([
      { type: 'user.deleted', actorId: user.id, data: { userId: user.id } },
    ]);
    expect((await actionsOf(user.id)).at(-1)).toBe('user.deleted');
    expect(await verifyAudit(auth.deps.db, auth.deps.secrets.audit)).toMatchObject({ ok: true });
    expect((await auth.call('GET', `/auth/users/${user.id}`)).status).toBe(404);
    expect((await login(user)).body.code).toBe('invalid_credentials');
    expect((await restore(user)).body.code).toBe('invalid_credentials');
  });

  test('name and address are free for somebody else, with another id', async () => {
    const user = await auth.signUp();
    const { username } = (await auth.call('GET', `/auth/users/${user.id}`)).body;
    await end(user);
    const body = { username, email: user.email, password: user.password };
    expect((await auth.call('POST', '/auth/register', { body })).status).toBe(409);
    await letTimePass(user.id);
    await sweepAccounts(auth.deps);
    const { status, body: made } = await auth.call('POST', '/auth/register', { body });
    expect(status).toBe(201);
    expect(made.user.id).not.toBe(user.id);
  });

  test('one who was restored in the last moment stays', async () => {
    const user = await auth.signUp();
    await end(user);
    await deleteIfDue(auth.deps, user.id);
    await letTimePass(user.id);
    expect((await restore(user)).status).toBe(200);
    await deleteIfDue(auth.deps, user.id);
    expect((await login(user)).status).toBe(200);
    expect(await told(user.id)).toEqual([]);
  });

  test('one that cannot be deleted does not keep the others', async () => {
    const [stuck, other] = [await auth.signUp(), await auth.signUp()];
    for (const user of [stuck, other]) {
      await end(user);
      await letTimePass(user.id);
    }
    await auth.database.sql.unsafe(`
      create function stick() returns trigger language plpgsql as $$ begin raise exception 'stuck'; end $$;
      create trigger stick before delete on users for each row when (old.id = '${stuck.id}') execute function stick()`);
    await sweepAccounts(auth.deps);
    expect([await rowOf(stuck.id), await rowOf(other.id)]).toEqual([expect.anything(), undefined]);
    await auth.database.sql.unsafe('drop trigger stick on users');
    await sweepAccounts(auth.deps);
    expect(await rowOf(stuck.id)).toBeUndefined();
  });
});

describe('DELETE /auth/users/{id}', () => {
  test('204: gone at once, as event and audit tell; then 404', async () => {
    const user = await auth.signUp();
    await leaveTraces(user);
    expect((await remove(admin, user.id)).status).toBe(204);
    expect(await rowOf(user.id)).toBeUndefined();
    expect(await tracesOf(user.id)).toEqual([]);
    expect(await told(user.id)).toMatchObject([{ actorId: admin.id, data: { userId: user.id } }]);
    expect((await actionsOf(user.id)).at(-1)).toBe('user.deleted');
    expect((await remove(admin, user.id)).status).toBe(404);
  });

  test('an administrator goes too, while another stays; nobody deletes oneself here', async () => {
    const other = await auth.signUp('ADMIN');
    expect((await remove(admin, admin.id)).status).toBe(403);
    expect((await remove(admin, other.id)).status).toBe(204);
    const last = await remove(admin, admin.id);
    expect([last.status, last.body.code]).toEqual([409, 'last_admin']);
  });

  test('twenty at once: one deletion', async () => {
    const user = await auth.signUp();
    const answers = await Promise.all(Array.from({ length: 20 }, () => remove(admin, user.id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(19).fill(404)]);
    expect(await told(user.id)).toHaveLength(1);
  });

  test('412 for a stale tag, 404 for nobody, 403 below ADMIN, 401 without a token', async () => {
    const user = await auth.signUp();
    expect((await remove(admin, user.id, { 'If-Match': '"stale"' })).status).toBe(412);
    for (const id of [Bun.randomUUIDv7(), 'nonsense', '%00'])
      expect((await remove(admin, id)).status).toBe(404);
    for (const as of [user, await auth.signUp('MODERATOR')]) {
      for (const id of [user.id, admin.id, Bun.randomUUIDv7()])
        expect((await remove(as, id)).status).toBe(403);
    }
    expect((await auth.call('DELETE', `/auth/users/${user.id}`)).status).toBe(401);
    expect(await rowOf(user.id)).toBeDefined();
  });
});

describe('GET /auth/account/export', () => {
  const take = (as: { token: string }) => auth.call('GET', '/auth/account/export', { as });

  test('200 with all that is held, and with nothing that lets anybody sign in', async () => {
    const user = await auth.signUp();
    await leaveTraces(user);
    await login({ ...user, password: 'wrong password' });
    const { status, body, headers } = await take(user);
    expect(status).toBe(200);
    expect(headers.get('Content-Disposition')).toStartWith('attachment');
    expect(Object.keys(body)).toEqual([
      'exportedAt',
      'user',
      'totp',
      'recoveryCodes',
      'passkeys',
      'devices',
      'sessions',
      'audit',
    ]);
    expect(body).toMatchObject({
      user: { id: user.id, email: user.email },
      totp: { confirmed: false },
      recoveryCodes: 1,
      passkeys: [{ name: 'mine', transports: ['usb'] }],
    });
    expect(body.sessions).toHaveLength(1);
    expect(body.devices.length).toBeGreaterThan(0);
    const actions = body.audit.map(({ action }: { action: string }) => action);
    expect(actions).toContain('login.failed');
    expect(actions.at(-1)).toBe('user.exported');
    const row = await rowOf(user.id);
    for (const secret of [row?.passwordHash ?? '', 'key material', hashOf(user.refreshToken)]) {
      expect(JSON.stringify(body)).not.toContain(secret);
    }
  });

  test('more than a page of everything is all there, once', async () => {
    const user = await auth.signUp();
    await auth.database.sql`
      insert into audit_events (at, action, user_id, after)
      select now(), 'login.failed', ${user.id}, jsonb_build_object('n', n) from generate_series(1, 1200) as n`;
    await auth.database.sql`
      insert into known_devices (user_id, hash)
      select ${user.id}, 'device ' || n from generate_series(1, 1000) as n`;
    const { body } = await take(user);
    const numbers = body.audit.flatMap(({ after }: { after: { n?: number } | null }) => after?.n ?? []);
    expect(numbers).toEqual(Array.from({ length: 1200 }, (_, n) => n + 1));
    const known = await auth.database.db.$count(knownDevices, eq(knownDevices.userId, user.id));
    expect(known).toBeGreaterThanOrEqual(1000);
    expect(body.devices).toHaveLength(known);
  });

  test('shows no address of whoever acted on the user', async () => {
    const user = await auth.signUp();
    const { audit } = await import('../audit/audit.ts');
    const personal = { address: '203.0.113.77' };
    await audit(auth.deps.db, { action: 'mfa.reset', actorId: admin.id, userId: user.id, personal });
    const { body } = await take(user);
    expect(JSON.stringify(body)).not.toContain('203.0.113.77');
  });

  test('429 after ten an hour; 401 without a token', async () => {
    const strict = await createTestApp({ RATE_LIMIT_SCALE: '1' });
    const user = await strict.signUp();
    const statuses = [];
    for (let n = 0; n < 11; n++) {
      statuses.push((await strict.call('GET', '/auth/account/export', { as: user })).status);
    }
    expect(statuses).toEqual([...Array(10).fill(200), 429]);
    await strict.close();
    expect((await auth.call('GET', '/auth/account/export')).status).toBe(401);
  });
});
