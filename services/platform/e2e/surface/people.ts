import { eventually } from '@tertulia/shared/testing/eventually';
import { createSigner } from '@tertulia/shared/testing/signer';
import postgres from 'postgres';
import { unsealPrivateKey } from '../../../auth/src/keys/key-pair.ts';
import { deriveSecrets } from '../../../auth/src/keys/secret.ts';
import { ask, type Person } from '../people.ts';
import type { Stack } from '../stack.ts';

export const PASSWORD = 'Canary-correct-horse-5Yq8';
export const SECRETS = {
  AUTH_SECRET: 'Canary-Vt5Zq8w2Lx7Vb3Nc9Kd4Hf6GPm1R',
  SERVICE_SECRET: 'Canary-Wm2Yp7s9Qa4Te8Wu3Io5Xz1CLv9M',
  METRICS_TOKEN: 'Canary-Xn6Gv3Fh8Dk2Sj9L',
};
export const ADMIN = { email: 'root@example.org', password: 'Canary-root-of-all-7Uw2' };

/** Callers by what they may do, and those whose tokens are no good any more. */
export type Staff = {
  moderator: Person;
  admin: Person;
  stranger: Person;
  /** Tokens of administrators: run out, of a session that is over, of one who is none any more. */
  bad: { expired: string; revoked: string; demoted: string };
};

let count = 0;

export async function signUp(stack: Stack): Promise<Person & { email: string; refreshToken: string }> {
  const username = `person${++count}`;
  const email = `${username}@example.org`;
  const url = `${stack.url('auth')}/auth/register`;
  const { user, accessToken, refreshToken } = await ask('POST', url, {
    body: { username, email, password: PASSWORD },
  });
  return { id: user.id, username, email, token: accessToken, refreshToken };
}

export async function signIn(stack: Stack, email: string, password = PASSWORD): Promise<Person> {
  const url = `${stack.url('auth')}/auth/login`;
  const { user, accessToken } = await ask('POST', url, { body: { email, password } });
  return { id: user.id, username: user.username, token: accessToken };
}

/** Everybody whose rights are tried. The one administrator is the first, and the last. */
export async function makeStaff(stack: Stack): Promise<Staff> {
  const auth = stack.url('auth');
  const admin = await eventually(() => signIn(stack, ADMIN.email, ADMIN.password), { ms: 30_000 });
  const setRole = (id: string, role: string) =>
    ask('PUT', `${auth}/auth/users/${id}/role`, { as: admin, body: { role } });

  const [moderator, demoted, revoked, stranger] = await Promise.all([
    signUp(stack),
    signUp(stack),
    signUp(stack),
    signUp(stack),
  ]);
  await setRole(moderator.id, 'MODERATOR');
  await setRole(demoted.id, 'ADMIN');
  await setRole(revoked.id, 'ADMIN');
  const once = await signIn(stack, demoted.email);
  const over = await signIn(stack, revoked.email);
  const expired = await expiredToken(stack, admin.token);
  await ask('POST', `${auth}/auth/logout`, { as: over });
  await setRole(demoted.id, 'USER');
  await setRole(revoked.id, 'USER');
  const bad = { expired, revoked: over.token, demoted: once.token };
  await Promise.all(Object.values(bad).map((token) => isRefusedEverywhere(stack, token)));
  return { moderator: await signIn(stack, moderator.email), admin, stranger, bad };
}

/** What a service shows to another; it lasts for a moment. */
export async function serviceToken(stack: Stack): Promise<string> {
  const body = { service: 'comments', secret: SECRETS.SERVICE_SECRET };
  return (await ask('POST', `${stack.url('auth')}/auth/service-tokens`, { body })).accessToken;
}

/** A good token but for its time: signed by the key that auth keeps. */
async function expiredToken(stack: Stack, token: string): Promise<string> {
  const sql = postgres(stack.databaseUrl('auth'), { max: 1 });
  const [row] = await sql`select kid, sealed_private_jwk from signing_keys`;
  await sql.end();
  const { sealing } = await deriveSecrets(SECRETS.AUTH_SECRET);
  const signer = createSigner(await unsealPrivateKey(sealing, row?.sealed_private_jwk), row?.kid);
  const [header, claims] = token
    .split('.', 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  const now = Math.floor(Date.now() / 1000);
  return signer.sign(header, { ...claims, iat: now - 1000, exp: now - 100 });
}

/** A revocation reaches the other services a moment later. */
async function isRefusedEverywhere(stack: Stack, token: string): Promise<void> {
  const routes = {
    auth: '/auth/profile',
    media: '/media?limit=1',
    comments: `/comments/${Bun.randomUUIDv7()}`,
    notifications: '/notifications/unread-count',
  } as const;
  await Promise.all(
    Object.entries(routes).map(([service, path]) =>
      eventually(async () => {
        const url = `${stack.url(service as keyof typeof routes)}${path}`;
        return (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).status === 401;
      }),
    ),
  );
}
