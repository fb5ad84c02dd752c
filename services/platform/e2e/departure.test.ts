import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { eventually } from '@tertulia/shared/testing/eventually';
import postgres from 'postgres';
import { ask, listen, type Person, signUp } from './people.ts';
import { type Stack, startStack } from './stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ DELETION_DAYS: '0', RATE_LIMIT_SCALE: '100' });
});
afterAll(() => stack?.stop());

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

async function upload(as: Person): Promise<string> {
  const body = new FormData();
  body.set('file', new Blob([PNG.slice()], { type: 'image/png' }), 'dot.png');
  const headers = { Authorization: `Bearer ${as.token}`, 'Idempotency-Key': 'upload' };
  const answer = await fetch(`${stack.url('media')}/media`, { method: 'POST', headers, body });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

/** Comments hears of a new media a moment later. */
const say = (as: Person, mediaId: string, content: string, parentId?: string) =>
  eventually(() =>
    ask('POST', `${stack.url('comments')}/comments`, { as, body: { mediaId, content, parentId } }),
  );

const statusOf = async (service: 'auth' | 'media' | 'comments', path: string) =>
  (await fetch(`${stack.url(service)}${path}`)).status;

async function runReconcile(...args: string[]) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, '..', 'reconcile.ts'), ...args], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      ...Object.fromEntries(
        (['auth', 'media', 'comments', 'notifications'] as const).map((service) => [
          `${service.toUpperCase()}_DATABASE_URL`,
          stack.databaseUrl(service),
        ]),
      ),
    },
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const [out, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  return { out, code };
}

test('an account that ends leaves nothing anywhere, and what others said stays', async () => {
  const [ana, berta] = [await signUp(stack, 'ana'), await signUp(stack, 'berta')];
  const [anas, bertas] = [await upload(ana), await upload(berta)];
  await say(berta, anas, 'under what will go');
  const root = await say(ana, bertas, 'said by ana');
  const reply = await say(berta, bertas, 'answered by berta', root.id);
  const leaf = await say(ana, bertas, 'said by ana, and answered by nobody', reply.id);
  const tus = {
    'Tus-Resumable': '1.0.0',
    'Upload-Length': '1000',
    'Upload-Metadata': `filename ${btoa('a.png')}`,
  };
  const headers = { Authorization: `Bearer ${ana.token}`, ...tus };
  const half = await fetch(`${stack.url('media')}/media/uploads`, { method: 'POST', headers });
  expect(half.status).toBe(201);
  const socket = listen(stack, ana);
  await socket.client.ready();
  const closed = new Promise<number>((resolve) => {
    socket.client.on('disconnected', ({ code }) => resolve(code));
  });
  const before = await runReconcile();
  expect([before.code, before.out.includes('notifications: 2 users, 0 of them gone')]).toEqual([0, true]);

  const password = 'correct horse battery';
  const ended = await ask('DELETE', `${stack.url('auth')}/auth/account`, { as: ana, body: { password } });
  expect(Date.parse(ended.deleteAt)).toBeLessThanOrEqual(Date.now());
  expect(await closed).toBe(3500);
  await eventually(async () => (await statusOf('auth', `/auth/users/${ana.id}`)) === 404);
  await eventually(async () => (await runReconcile()).code === 0, { every: 200 });

  expect(await statusOf('media', `/media/${anas}`)).toBe(404);
  await eventually(async () => (await statusOf('comments', `/comments/media/${anas}`)) === 404);
  expect(await statusOf('comments', `/comments/${leaf.id}`)).toBe(404);
  const thread = await ask('GET', `${stack.url('comments')}/comments/media/${bertas}`);
  expect(thread.items).toMatchObject([
    {
      id: root.id,
      deleted: true,
      content: null,
      authorId: null,
      authorUsername: null,
      replyCount: 1,
      replies: [{ id: reply.id, content: 'answered by berta', authorUsername: 'berta', replyCount: 0 }],
    },
  ]);
  expect(await statusOf('media', `/media/${bertas}`)).toBe(200);
  const again = await signUp(stack, 'ana');
  expect(again.id).not.toBe(ana.id);

  await leaveBehind(ana.id);
  const found = await runReconcile();
  expect(found.code).toBe(1);
  for (const service of ['media', 'comments', 'notifications']) {
    expect(found.out).toContain(`${service}: gone: ${ana.id}\n`);
  }
  expect((await runReconcile('--fix')).code).toBe(0);
  expect((await runReconcile()).code).toBe(0);
});

/** What a restored backup of single services would bring back, where nobody is known to have gone. */
async function leaveBehind(id: string): Promise<void> {
  const run = async (service: 'media' | 'comments' | 'notifications', text: string) => {
    const sql = postgres(stack.databaseUrl(service), { max: 1 });
    await sql`delete from departures where user_id = ${id}`;
    await sql.unsafe(text.replaceAll('$id', id));
    await sql.end();
  };
  await run(
    'media',
    `insert into media (id, owner_id, owner_username, filename, title, blob_key, kind, mime_type, size, sha256)
     values (gen_random_uuid(), '$id', 'ana', 'a.png', 'left', 'left/behind', 'image', 'image/png', 1, 'x')`,
  );
  await run(
    'comments',
    `insert into comments (id, media_id, depth, author_id, author_username, content)
     select gen_random_uuid(), id, 0, '$id', 'ana', 'left' from media where deleted_at is null limit 1`,
  );
  await run('notifications', `insert into recipients (user_id, locale) values ('$id', 'es')`);
}
