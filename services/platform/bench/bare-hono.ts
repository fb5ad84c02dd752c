/** The yardstick of `profile.bench.ts`: one route that verifies the token and runs the select, nothing else. */

import { users } from '@tertulia/auth/db/schema';
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { Hono } from 'hono';
import { verify } from 'hono/jwt';
import postgres from 'postgres';

const { PORT = '', DATABASE_URL = '', JWKS_URL = '' } = process.env;

const { keys } = (await (await fetch(JWKS_URL)).json()) as { keys: JsonWebKey[] };
const [jwk] = keys;
if (jwk === undefined) throw new Error('no key');
const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', true, ['verify']);
const db = drizzle(postgres(DATABASE_URL, { max: 10 }), { casing: 'snake_case' });
const find = db
  .select()
  .from(users)
  .where(eq(users.id, sql.placeholder('id')))
  .prepare('find');

const app = new Hono();
app.get('/auth/profile', async (c) => {
  const token = c.req.header('Authorization')?.slice(7) ?? '';
  const { sub } = await verify(token, key, 'EdDSA');
  const [user] = await find.execute({ id: sub });
  if (user === undefined) return c.json({ error: 'not found' }, 404);
  const { passwordHash: _, ...open } = user;
  return c.json(open);
});

Bun.serve({ port: Number(PORT), fetch: app.fetch });
