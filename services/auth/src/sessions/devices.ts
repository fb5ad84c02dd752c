import { z } from '@hono/zod-openapi';
import type { Tx } from '@tertulia/shared/db/database';
import { and, desc, eq, notInArray, sql } from 'drizzle-orm';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { knownDevices } from '../db/schema.ts';
import { hashOf, randomToken } from '../keys/seal.ts';

/** Most devices that an account remembers; the one unused for longest is forgotten. */
export const MAX_DEVICES = 20;

const YEAR_SECONDS = 365 * 86_400;
/** What {@link randomToken} makes. */
const TOKEN = /^[\w-]{43}$/;

/** The token that a device was given at an earlier sign-in, by cookie or, without cookies, by header. */
export function deviceTokenOf(c: Context): string | undefined {
  const token = c.req.header('X-Device-Token') ?? getCookie(c, 'device', 'host');
  return token !== undefined && TOKEN.test(token) ? token : undefined;
}

/**
 * Gives the device its token: as a cookie that no script can read, and to clients that are no browser, which
 * send no `Origin`, as a header too.
 */
export function giveDeviceToken(c: Context, token: string): void {
  setCookie(c, 'device', token, {
    prefix: 'host',
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'Strict',
    maxAge: YEAR_SECONDS,
  });
  if (c.req.header('Origin') === undefined) c.header('X-Device-Token', token);
}

/** For OpenAPI, of requests and answers alike. */
export const deviceHeader = z.object({
  'X-Device-Token': z.string().optional().openapi({ description: 'For clients without cookies.' }),
});

export type KnownDevice = { token: string; isNew: boolean };

/** Remembers a device of a user. A device keeps its token whoever signs in there; one without gets its own. */
export async function rememberDevice(
  tx: Tx,
  userId: string,
  given: string | undefined,
): Promise<KnownDevice> {
  const token = given ?? randomToken();
  const [row] = await tx
    .insert(knownDevices)
    .values({ userId, hash: hashOf(token) })
    .onConflictDoUpdate({
      target: [knownDevices.userId, knownDevices.hash],
      set: { lastUsedAt: sql`now()` },
    })
    .returning({ isNew: sql<boolean>`xmax = 0` })
    .prepare('remember_device')
    .execute();
  const isNew = row?.isNew ?? true;
  if (isNew) await forgetOldest(tx, userId);
  return { token, isNew };
}

async function forgetOldest(tx: Tx, userId: string): Promise<void> {
  const kept = tx
    .select({ hash: knownDevices.hash })
    .from(knownDevices)
    .where(eq(knownDevices.userId, userId))
    .orderBy(desc(knownDevices.lastUsedAt))
    .limit(MAX_DEVICES);
  await tx
    .delete(knownDevices)
    .where(and(eq(knownDevices.userId, userId), notInArray(knownDevices.hash, kept)));
}

/** After a reset: whoever else knew the account is a stranger again. */
export async function forgetDevices(tx: Tx, userId: string): Promise<void> {
  await tx.delete(knownDevices).where(eq(knownDevices.userId, userId));
}
