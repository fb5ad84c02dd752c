import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { openDatabase } from '@tertulia/shared/db/database';
import { eventually } from '@tertulia/shared/testing/eventually';
import { desc, eq, ne, sql } from 'drizzle-orm';
import { decodeProtectedHeader } from 'jose';
import { auditEvents, signingKeys } from '../db/schema.ts';
import { createDeps } from '../deps.ts';
import { createTestApp } from '../test-app.ts';
import { tendKeys } from './keys.service.ts';
import { openReplica } from './replica.ts';

type Auth = Awaited<ReturnType<typeof createTestApp>>;
let auth: Auth;
let admin: Awaited<ReturnType<Auth['signUp']>>;
beforeAll(async () => {
  auth = await createTestApp();
  admin = await auth.signUp('ADMIN');
});
afterAll(() => auth.close());

const published = async (): Promise<string[]> =>
  (await auth.call('GET', '/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid);
const rotate = () => auth.call('POST', '/auth/keys/rotate', { as: admin });
const signInAgain = async () =>
  (await auth.call('POST', '/auth/login', { body: { email: admin.email, password: admin.password } })).body
    .accessToken as string;
const kidOf = (token: string) => decodeProtectedHeader(token).kid ?? '';
const audited = () =>
  auth.database.db
    .select()
    .from(auditEvents)
    .where(eq(auditEvents.action, 'keys.rotated'))
    .orderBy(desc(auditEvents.id));

/** As if everything had happened so much earlier. */
async function age(seconds: number) {
  await auth.database.db
    .update(signingKeys)
    .set({ createdAt: sql`${signingKeys.createdAt} - make_interval(secs => ${seconds})` });
  await auth.deps.keys.reload();
}

/** Every test begins with one key, which signs. */
beforeEach(async () => {
  const [newest] = await auth.database.db.select().from(signingKeys).orderBy(desc(signingKeys.createdAt));
  await auth.database.db.delete(signingKeys).where(ne(signingKeys.kid, newest?.kid ?? ''));
  await age(3600);
  admin.token = await signInAgain();
});

describe('POST /auth/keys/rotate', () => {
  test('201: published at once, signs after the lead, and the key before it goes when its last token has', async () => {
    const [old = ''] = await published();
    const before = admin.token;
    expect(kidOf(before)).toBe(old);
    const { status, body } = await rotate();
    expect(status).toBe(201);
    expect(new Date(body.signsFrom).getTime()).toBeGreaterThan(Date.now() + 590_000);
    expect(await published()).toEqual([old, body.kid]);
    expect(kidOf(await signInAgain())).toBe(old);

    await age(601);
    const after = await signInAgain();
    expect(kidOf(after)).toBe(body.kid);
    expect(await published()).toEqual([old, body.kid]);
    for (const token of [before, after]) {
      expect((await auth.call('GET', '/auth/profile', { as: { token } })).status).toBe(200);
    }

    // Life of a token and two minutes.
    await age(899);
    expect(await published()).toContain(old);
    await age(121);
    expect(await published()).toEqual([body.kid]);
    expect(await auth.deps.keys.source.find(old)).toBeUndefined();
    await tendKeys(auth.deps);
    expect((await auth.database.db.select().from(signingKeys)).map(({ kid }) => kid)).toEqual([body.kid]);
  });

  test('is audited', async () => {
    const [old] = await published();
    const { kid } = (await rotate()).body;
    const [event] = await audited();
    expect(event).toMatchObject({ actorId: admin.id, userId: null, before: { kid: old }, after: { kid } });
  });

  test('409 when eight keys are published', async () => {
    for (let n = 0; n < 7; n++) expect((await rotate()).status).toBe(201);
    const ninth = await rotate();
    expect([ninth.status, ninth.body.code]).toEqual([409, 'conflict']);
    expect(await published()).toHaveLength(8);
  });

  test('with `revoke`: every earlier key is gone, the new one signs at once, refresh tokens go on', async () => {
    const replica = await openReplica(auth);
    const user = await auth.signUp();
    await rotate();
    const gone = await published();
    const rotated = await auth.call('POST', '/auth/keys/rotate', { as: admin, body: { revoke: true } });
    const { kid } = rotated.body;
    expect(rotated.status).toBe(201);
    expect(new Date(rotated.body.signsFrom).getTime()).toBeLessThanOrEqual(Date.now());
    expect(await published()).toEqual([kid]);
    await eventually(() => String(replica.kids()) === kid);
    // The caller's own token as well.
    for (const { token } of [user, admin]) {
      const refused = async () => (await auth.call('GET', '/auth/profile', { as: { token } })).status === 401;
      await eventually(refused);
      await expect(replica.verifier.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
    }
    const { body } = await auth.call('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } });
    expect(kidOf(body.accessToken)).toBe(kid);
    expect((await auth.call('GET', '/auth/profile', { as: { token: body.accessToken } })).status).toBe(200);
    expect((await replica.verifier.verify(body.accessToken)).userId).toBe(user.id);
    const events = await auth.database.db
      .select()
      .from(auditEvents)
      .where(eq(auditEvents.action, 'keys.revoked'));
    expect(events).toMatchObject([{ actorId: admin.id, before: { kids: gone }, after: { kid } }]);
    await replica.close();
  });

  test('`revoke` of false is as without; 422 for anything else in the body', async () => {
    const [old] = await published();
    const soft = await auth.call('POST', '/auth/keys/rotate', { as: admin, body: { revoke: false } });
    expect(soft.status).toBe(201);
    expect(await published()).toEqual([old, soft.body.kid]);
    for (const body of [{ revoke: 'true' }, { revoke: 1 }, { revoked: true }, [], null]) {
      expect((await auth.call('POST', '/auth/keys/rotate', { as: admin, body })).status).toBe(422);
    }
    expect(await published()).toHaveLength(2);
  });

  test('401 for nobody, 403 for a moderator', async () => {
    expect((await auth.call('POST', '/auth/keys/rotate')).status).toBe(401);
    const as = await auth.signUp('MODERATOR');
    expect((await auth.call('POST', '/auth/keys/rotate', { as })).status).toBe(403);
  });

  test('another replica learns of it, and takes and gives tokens of both keys', async () => {
    const replica = await openReplica(auth);
    const { kid } = (await rotate()).body;
    await eventually(() => replica.kids().includes(kid));
    const before = admin.token;
    await age(601);
    const after = await signInAgain();
    expect(kidOf(after)).toBe(kid);
    for (const token of [before, after]) {
      expect((await replica.verifier.verify(token)).userId).toBe(admin.id);
    }
    await replica.deps.keys.reload();
    const exp = Math.floor(Date.now() / 1000) + 60;
    expect(kidOf(await replica.deps.keys.sign({ exp }))).toBe(kid);
    await replica.close();
  });

  test('a replica that was not told looks for an unknown key by itself', async () => {
    const database = openDatabase({ url: auth.database.url, name: 'deaf', max: 2 });
    const deaf = await createDeps(auth.env, auth.deps.log, database, auth.deps.limits, {});
    const { kid } = (await rotate()).body;
    await eventually(() => deaf.keys.source.find(kid));
    expect(await deaf.keys.source.find('unknown')).toBeUndefined();
    await database.close();
  });
});

describe('age', () => {
  test('a key of 90 days gets a successor, one, however many replicas look', async () => {
    const [old = ''] = await published();
    await age(90 * 86_400 + 1);
    const replicas = await Promise.all([openReplica(auth), openReplica(auth), openReplica(auth)]);
    await eventually(() => replicas.every(({ kids }) => kids().length === 2));
    await Promise.all(replicas.map(({ deps }) => tendKeys(deps)));
    const rows = await auth.database.db.select().from(signingKeys).orderBy(signingKeys.createdAt);
    expect(rows).toHaveLength(2);
    const [event] = await audited();
    expect(event).toMatchObject({ actorId: null, before: { kid: old }, after: { kid: rows[1]?.kid } });
    await Promise.all(replicas.map((replica) => replica.close()));
  });

  test('one of 89 days does not', async () => {
    await age(89 * 86_400 - 3600);
    await tendKeys(auth.deps);
    expect(await auth.database.db.select().from(signingKeys)).toHaveLength(1);
  });
});

describe('keys at rest', () => {
  test('the private half is sealed', async () => {
    const rows = await auth.database.db.select().from(signingKeys);
    expect(rows[0]?.publicJwk).not.toHaveProperty('d');
    expect(Buffer.from(rows[0]?.sealedPrivateJwk ?? '', 'base64url').toString('latin1')).not.toContain('kty');
  });

  test('another AUTH_SECRET is told at start', async () => {
    const { deps, database, env } = auth;
    const AUTH_SECRET = 'another secret, which is as long as it has to be';
    await expect(createDeps({ ...env, AUTH_SECRET }, deps.log, database, deps.limits, {})).rejects.toThrow(
      'AUTH_SECRET is not the one that the signing keys were sealed with',
    );
  });

  test('nothing is signed that would outlive its key', async () => {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    await expect(auth.deps.keys.sign({ exp })).rejects.toThrow('outlive');
  });

  test('replicas that start together make one first key', async () => {
    const fresh = await createTestApp();
    await fresh.database.db.delete(signingKeys);
    const open = () => createDeps(fresh.env, fresh.deps.log, fresh.database, fresh.deps.limits, {});
    const replicas = await Promise.all(Array.from({ length: 5 }, open));
    expect(new Set(replicas.flatMap(({ keys }) => keys.publicKeys().map(({ kid }) => kid))).size).toBe(1);
    await fresh.close();
  });
});
