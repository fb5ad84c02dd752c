import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { auditEvents, challenges, passkeys, sessions } from '../db/schema.ts';
import { createTestApp } from '../test-app.ts';
import { sweepChallenges, takeChallenge } from './challenges.ts';
import { MAX_PASSKEYS } from './passkeys.service.ts';
import { type Auth, codeOf, enrol, mailsTo, type Person } from './testing.ts';

// Round trips through a real browser are in services/platform/e2e/passkeys.test.ts.

let auth: Auth;
beforeAll(async () => {
  auth = await createTestApp();
});
afterAll(() => auth.close());

const options = (as?: Person, body: unknown = {}) =>
  auth.call('POST', '/auth/passkeys/options', { ...(as && { as }), body });
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const clientDataOf = (challenge: string) => encode({ type: 'webauthn.get', challenge, origin: 'x' });

let made = 0;
/** One that nothing can sign with, for what needs no signature. */
async function givePasskey({ id: userId }: Person, name = 'Phone') {
  const id = `passkey-${++made}`;
  await auth.database.db
    .insert(passkeys)
    .values({ id, userId, publicKey: 'x', counter: 0, transports: ['internal'], name });
  return id;
}

/** As if the session had been started so much earlier. */
const age = ({ id }: Person, minutes: number) =>
  auth.database.db
    .update(sessions)
    .set({ createdAt: new Date(Date.now() - minutes * 60_000) })
    .where(eq(sessions.userId, id));

describe('POST /auth/passkeys/options', () => {
  test('200 with what the browser needs, for this site and this user', async () => {
    const user = await auth.signUp();
    const known = await givePasskey(user);
    const { status, body, headers } = await options(user);
    expect(status).toBe(200);
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(body).toMatchObject({
      rp: { id: 'localhost', name: 'Tertulia' },
      user: { id: Buffer.from(user.id.replaceAll('-', ''), 'hex').toString('base64url'), name: user.email },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: [{ id: known, type: 'public-key', transports: ['internal'] }],
    });
    expect(body.challenge).toMatch(/^[\w-]{64}$/);
  });

  test('a sign-in of ten minutes ago wants the password again', async () => {
    const user = await auth.signUp();
    await age(user, 11);
    for (const body of [{}, { password: 'not the password' }]) {
      const refused = await options(user, body);
      expect([refused.status, refused.body.code]).toEqual([401, 'invalid_credentials']);
    }
    expect((await options(user, { password: user.password })).status).toBe(200);
  });

  test('a session without the second factor that there is wants a code as well', async () => {
    const user = await auth.signUp();
    const { secret, recoveryCodes } = await enrol(auth, user);
    expect((await options(user)).status).toBe(200);
    await auth.database.db.update(sessions).set({ mfa: false }).where(eq(sessions.userId, user.id));
    const { password } = user;
    expect((await options(user)).body.code).toBe('invalid_credentials');
    expect((await options(user, { password })).body.code).toBe('invalid_code');
    expect((await options(user, { password, code: 'x' })).body.code).toBe('invalid_code');
    const guessed = await options(user, { password: 'x', code: codeOf(secret) });
    expect(guessed.body.code).toBe('invalid_credentials');
    expect((await options(user, { password, code: codeOf(secret) })).status).toBe(200);
    expect((await options(user, { password, code: recoveryCodes[0] })).status).toBe(200);
  });

  test('409 where there are twenty', async () => {
    const user = await auth.signUp();
    for (let n = 0; n < MAX_PASSKEYS; n++) await givePasskey(user);
    const full = await options(user);
    expect([full.status, full.body.code]).toEqual([409, 'conflict']);
  });

  test('401 for nobody, 422 for an unknown field', async () => {
    expect((await options()).status).toBe(401);
    expect((await options(await auth.signUp(), { admin: true })).status).toBe(422);
  });

  test('429 when one address asks for too many, also to sign in', async () => {
    const strict = await createTestApp({ RATE_LIMIT_SCALE: '1', PASSKEY_CHALLENGES_PER_MINUTE: '2' });
    const ask = () => strict.call('POST', '/auth/login/passkey/options');
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(200);
    const limited = await ask();
    expect([limited.status, limited.headers.get('RateLimit-Limit')]).toEqual([429, '2']);
    const as = await strict.signUp();
    expect((await strict.call('POST', '/auth/passkeys/options', { as, body: {} })).status).toBe(429);
    await strict.close();
  });
});

describe('challenges', () => {
  test('are good once, for whom they were made, and not for long', async () => {
    const { db } = auth.database;
    const user = await auth.signUp();
    const other = await auth.signUp();
    const challenge = async () => (await options(user)).body.challenge as string;
    const [one, two, three] = [await challenge(), await challenge(), await challenge()];
    expect(await takeChallenge(db, clientDataOf(one), other.id)).toBeUndefined();
    expect(await takeChallenge(db, clientDataOf(one), null)).toBeUndefined();
    expect(await takeChallenge(db, clientDataOf(one), user.id)).toBe(one);
    expect(await takeChallenge(db, clientDataOf(one), user.id)).toBeUndefined();
    const taken = await Promise.all(
      Array.from({ length: 20 }, () => takeChallenge(db, clientDataOf(two), user.id)),
    );
    expect(taken.filter((each) => each !== undefined)).toEqual([two]);
    const tampered = `${three.slice(0, -1)}${three.endsWith('A') ? 'E' : 'A'}`;
    expect(await takeChallenge(db, clientDataOf(tampered), user.id)).toBeUndefined();
    await db.update(challenges).set({ expiresAt: new Date(Date.now() - 1) });
    expect(await takeChallenge(db, clientDataOf(three), user.id)).toBeUndefined();
  });

  test('that nobody signed are swept, those that may still be are not', async () => {
    const { db } = auth.database;
    await db.delete(challenges);
    const user = await auth.signUp();
    const living = (await options(user)).body.challenge as string;
    const expiresAt = new Date(Date.now() - 1);
    const old = () => ({ id: Bun.randomUUIDv7(), userId: null, challenge: '', expiresAt });
    await db.insert(challenges).values(Array.from({ length: 1500 }, old));
    const swept = [await sweepChallenges(db), await sweepChallenges(db), await sweepChallenges(db)];
    expect(swept).toEqual([1000, 500, 0]);
    expect(await takeChallenge(db, clientDataOf(living), user.id)).toBe(living);
  });
});

/** The form of a credential, with hostile content. */
const hostile = (response: object, id = 'AAAA') => ({
  id,
  rawId: id,
  type: 'public-key',
  clientExtensionResults: {},
  response,
});

describe('POST /auth/passkeys', () => {
  const add = (body: unknown, as?: Person) =>
    auth.call('POST', '/auth/passkeys', { body, ...(as && { as }) });

  test('401 for what no authenticator made, whatever it is, with a challenge and without', async () => {
    const user = await auth.signUp();
    const nested = Buffer.from(new Uint8Array(4000).fill(0x81)).toString('base64url');
    for (const attestationObject of ['AAAA', encode({ fmt: 'none' }), 'oA', 'v_8', '_w', nested]) {
      const { challenge } = (await options(user)).body;
      const good = encode({ type: 'webauthn.create', challenge, origin: 'http://localhost:8080' });
      for (const clientDataJSON of [good, clientDataOf('x'), 'AAAA', encode(null), encode([])]) {
        const credential = hostile({ clientDataJSON, attestationObject });
        const refused = await add({ name: 'Key', credential }, user);
        expect([refused.status, refused.body.code]).toEqual([401, 'invalid_passkey']);
      }
    }
  });

  test('422 for what has not the form of one; 401 for nobody', async () => {
    const user = await auth.signUp();
    const response = { clientDataJSON: 'AAAA', attestationObject: 'AAAA' };
    const bad = [
      { name: 'Key' },
      { name: '', credential: hostile(response) },
      { name: 'x'.repeat(65), credential: hostile(response) },
      { name: 'Key', credential: hostile(response, '../..') },
      { name: 'Key', credential: hostile({ ...response, clientDataJSON: '{}' }) },
      { name: 'Key', credential: hostile({ ...response, attestationObject: 'A'.repeat(65_537) }) },
      { name: 'Key', credential: { ...hostile(response), type: 'password' } },
      { name: 'Key', credential: hostile(response), userId: user.id },
    ];
    for (const body of bad) expect((await add(body, user)).status).toBe(422);
    expect((await add({ name: 'Key', credential: hostile(response) })).status).toBe(401);
  });
});

describe('POST /auth/login/passkey', () => {
  const begin = async () => (await auth.call('POST', '/auth/login/passkey/options')).body;
  const signIn = (credential: unknown) => auth.call('POST', '/auth/login/passkey', { body: { credential } });

  test('200 with options that name nobody', async () => {
    const body = await begin();
    expect(body).toMatchObject({ rpId: 'localhost', userVerification: 'required' });
    expect(body.allowCredentials ?? []).toEqual([]);
  });

  test('the same 401 for an unknown passkey and a wrong signature; the latter is audited', async () => {
    const user = await auth.signUp();
    const known = await givePasskey(user);
    const answers = [];
    for (const id of [known, 'unknown']) {
      const { challenge } = await begin();
      const clientDataJSON = encode({ type: 'webauthn.get', challenge, origin: 'http://localhost:8080' });
      const response = { clientDataJSON, authenticatorData: 'AAAA', signature: 'AAAA' };
      answers.push(await signIn(hostile(response, id)));
    }
    for (const { status, body } of answers) expect([status, body.code]).toEqual([401, 'invalid_passkey']);
    expect(answers.map(({ body }) => body.detail)).toEqual([undefined, undefined]);
    const events = await auth.database.db.select().from(auditEvents).where(eq(auditEvents.userId, user.id));
    expect(events.map(({ action }) => action)).toContain('login.failed');
  });

  test('401 for hostile bytes', async () => {
    const user = await auth.signUp();
    const known = await givePasskey(user);
    for (const bytes of ['AAAA', 'A'.repeat(8000), encode({}), '____']) {
      for (const userHandle of [encode('somebody else'), null]) {
        const { challenge } = await begin();
        const clientDataJSON = clientDataOf(challenge);
        const response = { clientDataJSON, authenticatorData: bytes, signature: bytes, userHandle };
        expect((await signIn(hostile(response, known))).status).toBe(401);
      }
    }
  });

  test('422 for what has not the form of one', async () => {
    const response = { clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA' };
    for (const credential of [null, {}, hostile({}), hostile({ ...response, signature: '' })]) {
      expect((await signIn(credential)).status).toBe(422);
    }
  });
});

describe('GET /auth/passkeys', () => {
  test("200 with one's own, and their keys stay here; 401 for nobody", async () => {
    const [user, other] = [await auth.signUp(), await auth.signUp()];
    const id = await givePasskey(user, 'Phone');
    await givePasskey(other);
    const { status, body } = await auth.call('GET', '/auth/passkeys', { as: user });
    expect(status).toBe(200);
    const createdAt = expect.any(String);
    expect(body).toEqual({
      items: [{ id, name: 'Phone', transports: ['internal'], createdAt, lastUsedAt: null }],
      nextCursor: null,
    });
    expect((await auth.call('GET', '/auth/passkeys')).status).toBe(401);
  });
});

describe('PATCH /auth/passkeys/{id}', () => {
  const rename = (id: string, name: unknown, as?: Person) =>
    auth.call('PATCH', `/auth/passkeys/${id}`, { body: { name }, ...(as && { as }) });

  test("200 for one's own, 404 for another's, 401 for nobody, 422 for no name", async () => {
    const [user, other] = [await auth.signUp(), await auth.signUp()];
    const id = await givePasskey(user);
    expect((await rename(id, ' Work phone ', user)).body.name).toBe('Work phone');
    expect((await rename(id, 'Mine', other)).status).toBe(404);
    expect((await rename('unknown', 'Mine', user)).status).toBe(404);
    expect((await rename('a.b', 'Mine', user)).status).toBe(404);
    expect((await rename(id, 'Mine')).status).toBe(401);
    expect((await rename(id, '', user)).status).toBe(422);
  });
});

describe('DELETE /auth/passkeys/{id}', () => {
  const remove = (id: string, as?: Person, body: unknown = {}) =>
    auth.call('DELETE', `/auth/passkeys/${id}`, { body, ...(as && { as }) });

  test('204, audited and told by mail; twenty at once: one does it', async () => {
    const user = await auth.signUp();
    const id = await givePasskey(user);
    const answers = await Promise.all(Array.from({ length: 20 }, () => remove(id, user)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(19).fill(404)]);
    const events = await auth.database.db.select().from(auditEvents).where(eq(auditEvents.userId, user.id));
    expect(events.find(({ action }) => action === 'passkey.removed')?.before).toEqual({ passkey: id });
    expect((await mailsTo(auth, user)).map(({ parameters }) => parameters.what)).toContain('passkey_removed');
  });

  test("404 for another's, 401 for nobody and for who signed in long ago, 422 for an unknown field", async () => {
    const [user, other] = [await auth.signUp(), await auth.signUp()];
    const id = await givePasskey(user);
    expect((await remove(id, other)).status).toBe(404);
    expect((await remove(id)).status).toBe(401);
    expect((await remove(id, user, { force: true })).status).toBe(422);
    await age(user, 11);
    expect((await remove(id, user)).body.code).toBe('invalid_credentials');
    expect((await remove(id, user, { password: user.password })).status).toBe(204);
  });
});
