import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWith } from '@tertulia/shared/testing/needs';
import { startRedis, type TestRedis } from '@tertulia/shared/testing/redis';
import * as tus from 'tus-js-client';
import { ask, listen, type Person, signUp } from './people.ts';
import { type Stack, startStack } from './stack.ts';
import { makeVideo } from './video.ts';

describe('the main job', () => {
  describeJourney('with Postgres alone', async () => ({ settings: {}, close: async () => {} }));
});

describeWith('redis-server')('the main job, on Redis', () => {
  describeJourney('with Redis carrying events', async () => {
    const redis: TestRedis = await startRedis();
    return { settings: { EVENTS_REDIS_URL: redis.url, AUTH_REDIS_URL: redis.url }, close: redis.stop };
  });
});

function describeJourney(
  name: string,
  stores: () => Promise<{ settings: Record<string, string>; close(): Promise<void> }>,
) {
  describe(name, () => {
    let carried: Awaited<ReturnType<typeof stores>>;
    let stack: Stack;
    let folder: string;
    beforeAll(async () => {
      carried = await stores();
      stack = await startStack(carried.settings);
      folder = await mkdtemp(join(tmpdir(), 'tertulia-journey-'));
    });
    afterAll(async () => {
      await stack?.stop();
      await carried?.close();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    });

    test('two people, a film cut off half-way, comments, and everybody hears of it', async () => {
      const [ana, berta] = [await signUp(stack, 'ana'), await signUp(stack, 'berta')];
      for (const person of [ana, berta])
        await until(async () => (await inboxOf(person))[0]?.type === 'user_registered');
      const [anas, bertas] = [listen(stack, ana), listen(stack, berta)];
      await Promise.all([anas.client.ready(), bertas.client.ready()]);

      const film = await makeVideo(folder);
      const mediaId = await upload(ana, film);
      const media = await ask('GET', `${stack.url('media')}/media/${mediaId}`);
      const sha256 = new Bun.CryptoHasher('sha256').update(film).digest('hex');
      expect(media).toMatchObject({
        kind: 'video',
        title: 'A film',
        size: film.length,
        sha256,
        ownerUsername: 'ana',
      });
      const bytes = await fetch(`${stack.url('media')}/media/${mediaId}/content`);
      const hash = new Bun.CryptoHasher('sha256');
      for await (const chunk of bytes.body ?? []) hash.update(chunk);
      expect(hash.digest('hex')).toBe(sha256);

      await anas.hears(1);
      const comments = `${stack.url('comments')}/comments`;
      const comment = await until(() =>
        ask('POST', comments, { as: berta, body: { mediaId, content: 'What a film!' } }),
      );
      await anas.hears(2);
      await ask('POST', comments, { as: ana, body: { mediaId, parentId: comment.id, content: 'Thank you' } });
      await bertas.hears(1);
      expect(anas.types()).toEqual(['upload_completed', 'new_comment']);
      expect(bertas.types()).toEqual(['comment_reply']);

      // Ana is away, misses some, and gets exactly those, in order, by epoch and offset.
      anas.client.disconnect();
      for (let n = 1; n <= 5; n++) {
        await ask('POST', comments, { as: berta, body: { mediaId, content: `More ${n}` } });
      }
      await stack.kill('notifications');
      await ask('POST', comments, { as: berta, body: { mediaId, content: 'While nobody listens' } });
      await stack.start('notifications');
      anas.client.connect();
      await anas.hears(8);
      await ask('POST', comments, { as: berta, body: { mediaId, content: 'And live again' } });
      await anas.hears(9);
      expect(anas.recovered()).toBe(true);
      expect(anas.heard.map(({ offset }) => offset)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(anas.types().slice(2)).toEqual(Array(7).fill('new_comment'));

      const thread = await ask('GET', `${comments}/media/${mediaId}?replies=2&sort=oldest`);
      expect(thread.items).toHaveLength(8);
      expect(thread.items[0]).toMatchObject({
        content: 'What a film!',
        replyCount: 1,
        replies: [{ content: 'Thank you' }],
      });
      anas.client.disconnect();
      bertas.client.disconnect();
    });

    const inboxOf = async (person: Person) =>
      (await ask('GET', `${stack.url('notifications')}/notifications`, { as: person })).items;

    /** By tus-js-client; the media service is killed when half is there, and comes back. */
    async function upload(person: Person, film: Buffer): Promise<string> {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      let killed: Promise<void> | undefined;
      const uploading = new tus.Upload(film, {
        endpoint: `${stack.url('media')}/media/uploads`,
        headers: { Authorization: `Bearer ${person.token}` },
        metadata: { filename: 'film.mp4', filetype: 'video/mp4', title: 'A film' },
        chunkSize: 1024 * 1024,
        retryDelays: Array(100).fill(200),
        onProgress(sent) {
          if (sent < film.length / 2 || killed !== undefined) return;
          killed = stack.kill('media').then(() => stack.start('media'));
          killed.catch(reject);
        },
        onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader('Media-Id') ?? ''),
        onError: reject,
      });
      uploading.start();
      const mediaId = await promise;
      expect(killed).toBeDefined();
      await killed;
      return mediaId;
    }
  });
}

/** Comments hears of a new media by an event: a moment after it is there. */
async function until<Result>(work: () => Promise<Result>): Promise<Result> {
  const { eventually } = await import('@tertulia/shared/testing/eventually');
  return (await eventually(work, { ms: 60_000 })) as Result;
}
