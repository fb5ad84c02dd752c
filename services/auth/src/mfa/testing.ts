import { eq } from 'drizzle-orm';
import { generateSync } from 'otplib';
import { mails, totpFactors } from '../db/schema.ts';
import { unseal } from '../keys/seal.ts';
import type { createTestApp } from '../test-app.ts';

export type Auth = Awaited<ReturnType<typeof createTestApp>>;
export type Person = Awaited<ReturnType<Auth['signUp']>>;

/** For tests: the code that an app shows; `steps` of 30 s from now. */
export function codeOf(secret: string, steps = 0): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + steps * 30 });
}

/** A code that is wrong now and around now. */
export function wrongCodeOf(secret: string): string {
  const near = new Set([-2, -1, 0, 1, 2].map((steps) => codeOf(secret, steps)));
  for (let n = 0; ; n++) {
    const code = String(n).padStart(6, '0');
    if (!near.has(code)) return code;
  }
}

/** Sets up an authenticator app. The code that confirmed it counts as if it had been used long ago. */
export async function enrol({ call, database }: Auth, person: Person) {
  const begun = await call('POST', '/auth/mfa/totp', { as: person, body: { password: person.password } });
  const secret = begun.body.secret as string;
  const confirmed = await call('POST', '/auth/mfa/totp/confirm', {
    as: person,
    body: { code: codeOf(secret) },
  });
  await database.db.update(totpFactors).set({ lastStep: 0 }).where(eq(totpFactors.userId, person.id));
  return { secret, recoveryCodes: confirmed.body.recoveryCodes as string[] };
}

/** The first step of signing in, where there is a second. */
export async function mfaTokenOf({ call }: Auth, { email, password }: Person): Promise<string> {
  const { body } = await call('POST', '/auth/login', { body: { email, password } });
  return body.mfaToken;
}

/** What is going to be mailed to somebody. */
export async function mailsTo({ database, deps }: Auth, person: Person) {
  const rows = await database.db.select().from(mails).orderBy(mails.createdAt);
  const opened = await Promise.all(
    rows.map(async ({ sealed }) => JSON.parse(await unseal(deps.secrets.mails, sealed))),
  );
  return opened.filter(({ to }) => to === person.email);
}
