import { afterAll, beforeAll, expect, test } from 'bun:test';
import { auditEvents, challenges, passkeys, sessions, users } from '@tertulia/auth/db/schema';
import { CHROMIUM, describeWith } from '@tertulia/shared/testing/needs';
import { eq } from 'drizzle-orm';
import type { Browser } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import {
  addPasskey,
  beginSignIn,
  create,
  finishSignIn,
  get,
  openAuthenticator,
  post,
  signIn,
  startPasskeySite,
} from './passkey-page.ts';

describeWith(CHROMIUM)('passkeys in a real browser', () => {
  let site: Awaited<ReturnType<typeof startPasskeySite>>;
  let browser: Browser;
  beforeAll(async () => {
    [site, browser] = await Promise.all([startPasskeySite(), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  const db = () => site.auth.database.db;
  const sessionsOf = (userId: string) => db().select().from(sessions).where(eq(sessions.userId, userId));

  /** Somebody with a passkey, and the browser that holds it. */
  async function withPasskey() {
    const user = await site.auth.signUp();
    const authenticator = await openAuthenticator(browser, site.web);
    const added = await addPasskey(authenticator.page, user.token);
    expect(added.status).toBe(201);
    return { user, ...authenticator, passkeyId: added.body.id as string };
  }

  test('added, signed out, signed in with it alone: a session with a second factor', async () => {
    const { user, page, close, passkeyId } = await withPasskey();
    const [row] = await db().select().from(passkeys).where(eq(passkeys.id, passkeyId));
    expect(row).toMatchObject({
      userId: user.id,
      name: 'Laptop',
      transports: ['internal'],
      lastUsedAt: null,
    });
    expect((await site.auth.call('POST', '/auth/logout', { as: user })).status).toBe(204);

    const { status, body } = await signIn(page);
    expect([status, body.user?.id, body.tokenType]).toEqual([200, user.id, 'Bearer']);
    const as = { token: body.accessToken as string };
    expect((await site.auth.call('GET', '/auth/profile', { as })).body.id).toBe(user.id);
    expect((await sessionsOf(user.id)).filter(({ revokedAt }) => revokedAt === null)).toMatchObject([
      { mfa: true },
    ]);
    const listed = await site.auth.call('GET', '/auth/passkeys', { as });
    expect(listed.body.items[0].lastUsedAt).toEqual(expect.any(String));
    expect((await signIn(page)).status).toBe(200);

    const events = await db().select().from(auditEvents).where(eq(auditEvents.userId, user.id));
    const actions = events.map(({ action }) => action);
    expect(actions).toContain('passkey.added');
    expect(actions.filter((action) => action === 'login.succeeded')).toHaveLength(2);
    await close();
  });

  test('a page of another origin adds none and signs nobody in, though the browser lets it', async () => {
    const { user, page, close } = await withPasskey();
    await page.goto(site.other);
    const foreign = await signIn(page);
    expect([foreign.status, foreign.body.code]).toEqual([401, 'invalid_passkey']);
    await page.goto(site.web);
    expect((await signIn(page)).body.user.id).toBe(user.id);
    const fresh = await openAuthenticator(browser, site.other);
    expect((await addPasskey(fresh.page, user.token)).body.code).toBe('invalid_passkey');
    await fresh.page.goto(site.web);
    expect((await addPasskey(fresh.page, user.token)).status).toBe(201);
    await fresh.close();
    await close();
  });

  test('an answer works once, for the challenge of its purpose, and within five minutes', async () => {
    const { user, page, close } = await withPasskey();
    const answer = await get(page, await beginSignIn(page));
    expect((await finishSignIn(page, answer)).status).toBe(200);
    expect((await finishSignIn(page, answer)).status).toBe(401);

    const { challenge } = (await post(page, '/auth/passkeys/options', {}, user.token)).body;
    const crossed = await get(page, { ...(await beginSignIn(page)), challenge });
    expect((await finishSignIn(page, crossed)).status).toBe(401);

    const late = await get(page, await beginSignIn(page));
    await db()
      .update(challenges)
      .set({ expiresAt: new Date(Date.now() - 1) });
    expect((await finishSignIn(page, late)).status).toBe(401);
    await close();
  });

  test("options of one user add no passkey to another's account", async () => {
    const { user, close } = await withPasskey();
    const thief = await site.auth.signUp();
    const fresh = await openAuthenticator(browser, site.web);
    const options = await post(fresh.page, '/auth/passkeys/options', {}, user.token);
    const credential = await create(fresh.page, options.body);
    const stolen = await post(fresh.page, '/auth/passkeys', { name: 'Mine', credential }, thief.token);
    expect([stolen.status, stolen.body.code]).toEqual([401, 'invalid_passkey']);
    await fresh.close();
    await close();
  });

  test('who was not verified by the device, or is named otherwise, is refused', async () => {
    const { page, cdp, authenticatorId, close } = await withPasskey();
    const { response, ...rest } = await get(page, await beginSignIn(page));
    const userHandle = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
    const renamed = { ...rest, response: { ...(response as object), userHandle } };
    expect((await finishSignIn(page, renamed)).status).toBe(401);

    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    const options = { ...(await beginSignIn(page)), userVerification: 'discouraged' };
    expect((await finishSignIn(page, await get(page, options))).status).toBe(401);
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
    expect((await signIn(page)).status).toBe(200);
    await close();
  });

  test('a counter that does not grow is refused, and written down', async () => {
    const { user, page, cdp, authenticatorId, close, passkeyId } = await withPasskey();
    expect((await signIn(page)).status).toBe(200);
    const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId });
    const [credential] = credentials;
    if (credential === undefined) throw new Error('the authenticator has nothing');
    expect(credential.signCount).toBeGreaterThan(0);
    const { credentialId } = credential;
    await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId });
    await cdp.send('WebAuthn.addCredential', {
      authenticatorId,
      credential: { ...credential, signCount: 0 },
    });
    const cloned = await signIn(page);
    expect([cloned.status, cloned.body.code]).toEqual([401, 'invalid_passkey']);
    const events = await db().select().from(auditEvents).where(eq(auditEvents.userId, user.id));
    expect(events.find(({ action }) => action === 'login.failed')?.after).toEqual({
      passkey: passkeyId,
      counter: credential.signCount,
    });
    await close();
  });

  test('who is suspended, or has ended the account, does not get in', async () => {
    const { user, page, close } = await withPasskey();
    const change = (set: Partial<typeof users.$inferInsert>) =>
      db().update(users).set(set).where(eq(users.id, user.id));
    await change({ suspendedAt: new Date(), suspensionReason: 'spam' });
    const suspended = await signIn(page);
    expect([suspended.status, suspended.body.code]).toEqual([403, 'account_suspended']);
    await change({ suspendedAt: null, deleteAt: new Date(Date.now() + 86_400_000) });
    expect((await signIn(page)).body.code).toBe('account_ending');
    await change({ deleteAt: null });
    expect((await signIn(page)).status).toBe(200);
    await close();
  });

  test('once removed it opens nothing; the same device may be added again', async () => {
    const { user, page, close, passkeyId } = await withPasskey();
    const again = await post(page, '/auth/passkeys/options', {}, user.token);
    expect(again.body.excludeCredentials).toMatchObject([{ id: passkeyId }]);
    await expect(create(page, again.body)).rejects.toThrow('InvalidStateError');
    const removed = await site.auth.call('DELETE', `/auth/passkeys/${passkeyId}`, { as: user, body: {} });
    expect(removed.status).toBe(204);
    expect((await signIn(page)).status).toBe(401);
    expect((await addPasskey(page, user.token)).status).toBe(201);
    expect((await signIn(page)).status).toBe(200);
    await close();
  });

  test('the twenty-first is refused, also when there was room at the beginning', async () => {
    const { user, page, close } = await withPasskey();
    const fresh = await openAuthenticator(browser, site.web);
    const options = await post(fresh.page, '/auth/passkeys/options', {}, user.token);
    const credential = await create(fresh.page, options.body);
    const others = Array.from({ length: 19 }, (_, n) => ({
      id: `other-${n}`,
      userId: user.id,
      publicKey: 'x',
      counter: 0,
      transports: [],
      name: 'Other',
    }));
    await db().insert(passkeys).values(others);
    const full = await post(fresh.page, '/auth/passkeys', { name: 'One more', credential }, user.token);
    expect([full.status, full.body.code]).toEqual([409, 'conflict']);
    expect((await signIn(page)).status).toBe(200);
    await fresh.close();
    await close();
  });

  test('with REQUIRE_ADMIN_MFA a passkey gives an administrator the power that a password does not', async () => {
    const strict = await startPasskeySite({ REQUIRE_ADMIN_MFA: 'true' });
    const admin = await strict.auth.signUp('ADMIN');
    const { page, close } = await openAuthenticator(browser, strict.web);
    expect((await addPasskey(page, admin.token)).status).toBe(201);
    const users = (token: string) => strict.auth.call('GET', '/auth/users', { as: { token } });
    const { email, password } = admin;
    const byPassword = await strict.auth.call('POST', '/auth/login', { body: { email, password } });
    expect((await users(byPassword.body.accessToken)).body.code).toBe('mfa_enrollment_required');
    expect((await users((await signIn(page)).body.accessToken)).status).toBe(200);
    await close();
    await strict.close();
  });
});
