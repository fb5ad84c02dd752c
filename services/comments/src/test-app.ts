import { parseEnv } from '@tertulia/shared/config/env';
import { EVENTS, type EventData, type EventType } from '@tertulia/shared/events/catalog';
import { handle } from '@tertulia/shared/events/handle';
import { createLimits } from '@tertulia/shared/limits/limits';
import { createLog } from '@tertulia/shared/runtime/log';
import { createTestClient } from '@tertulia/shared/testing/client';
import { createTestDatabase } from '@tertulia/shared/testing/postgres';
import { createTestTokens, type TestUser } from '@tertulia/shared/testing/tokens';
import { createApp } from './app.ts';
import { consumers } from './consumers.ts';
import { createDeps, MIGRATIONS } from './deps.ts';
import { commentsEnv } from './env.ts';

export type TestMedia = EventData<'media.updated'>;

/** Comments on a database of its own; nothing runs in the background. */
export async function createTestApp(settings: Record<string, string> = {}) {
  const [database, tokens] = await Promise.all([createTestDatabase(MIGRATIONS), createTestTokens()]);
  const env = parseEnv(commentsEnv, {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_SCALE: '1000',
    ...settings,
  });
  const log = createLog('comments', env.LOG_LEVEL);
  const limits = createLimits({ scale: env.RATE_LIMIT_SCALE });
  const deps = createDeps(env, log, database, tokens.verifier, limits, { postgres: database.ping });
  const app = createApp(deps);
  const call = createTestClient(app);

  /** Applies an event of media's as the reader does. */
  async function hear(
    type: EventType & `media.${string}`,
    media: TestMedia & Record<string, unknown>,
  ): Promise<void> {
    const data = { kind: 'image', mimeType: 'image/png', size: 1, sha256: '', ...media };
    const envelope = {
      id: Bun.randomUUIDv7(),
      type,
      version: EVENTS[type].version,
      source: 'media',
      subject: `media:${media.mediaId}`,
      actorId: media.ownerId,
      occurredAt: new Date().toISOString(),
      data,
    };
    await database.db.transaction((tx) => handle(consumers, tx, envelope, () => {}));
  }

  /** A media that this service has heard of. */
  async function upload(owner: TestUser, visibility: TestMedia['visibility'] = 'public'): Promise<TestMedia> {
    const media = {
      mediaId: Bun.randomUUIDv7(),
      ownerId: owner.id,
      ownerUsername: owner.username,
      title: 'Sunset',
      visibility,
    };
    await hear('media.uploaded', media);
    return media;
  }

  /** A comment that must succeed. */
  async function say(as: TestUser, { mediaId }: TestMedia, content = 'Hello', parentId?: string) {
    const { status, body } = await call('POST', '/comments', { as, body: { mediaId, content, parentId } });
    if (status !== 201) throw new Error(`comment refused: ${status} ${body.code}`);
    return body as { id: string; content: string; replyCount: number };
  }

  const { user } = tokens;
  return { app, call, deps, env, database, tokens, user, hear, upload, say, close: () => database.drop() };
}
