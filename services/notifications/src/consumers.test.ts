import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { EventData, EventType } from '@tertulia/shared/events/catalog';
import { handle } from '@tertulia/shared/events/handle';
import { createTestApp, type TestApp } from './test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

async function happen<Type extends EventType>(type: Type, actorId: string | null, data: EventData<Type>) {
  const envelope = {
    id: Bun.randomUUIDv7(),
    type,
    version: 1,
    source: 'test',
    subject: 'x',
    actorId,
    occurredAt: new Date().toISOString(),
    data,
  };
  await app.database.db.transaction((tx) => handle(app.consumers, tx, envelope, (work) => work()));
}

async function inboxOf(user: {
  id: string;
  token: string;
}): Promise<{ type: string; title: string; message: string }[]> {
  return (await app.call('GET', '/notifications', { as: user })).body.items;
}

const registered = (userId: string, locale: string) =>
  happen('user.registered', userId, { userId, username: 'ana', displayName: null, locale, role: 'USER' });

const media = (ownerId: string) => ({
  mediaId: Bun.randomUUIDv7(),
  ownerId,
  ownerUsername: 'ana',
  title: 'A film',
  visibility: 'public' as const,
});

function comment(owner: string, author: string, parentAuthor: string | null) {
  return {
    commentId: Bun.randomUUIDv7(),
    mediaId: Bun.randomUUIDv7(),
    mediaOwnerId: owner,
    mediaTitle: 'A film',
    parentId: parentAuthor === null ? null : Bun.randomUUIDv7(),
    parentAuthorId: parentAuthor,
    authorId: author,
    authorUsername: 'berta',
    content: `Nice\n${'long '.repeat(60)}`,
  };
}

describe('what people are told of their account', () => {
  const device = 'Mozilla/5.0 (X11; Linux x86_64)';
  const session = (userId: string) => ({
    userId,
    sessionId: Bun.randomUUIDv7(),
    device,
    address: '203.0.113.7',
  });

  /** Everything that can happen to an account, as `locale` tells it: newest first. */
  async function everything(locale: string) {
    const user = await app.tokens.user();
    const { id } = user;
    await registered(id, locale);
    await happen('session.started', id, { ...session(id), newDevice: true });
    await happen('login.failed', null, { userId: id, device: null, address: '203.0.113.8' });
    await happen('user.password_changed', id, { userId: id, by: 'change' });
    await happen('user.password_changed', null, { userId: id, by: 'reset' });
    await happen('session.revoked', null, { ...session(id), reason: 'reuse' });
    await happen('user.role_changed', Bun.randomUUIDv7(), { userId: id, from: 'USER', to: 'ADMIN' });
    const profile = { userId: id, username: 'ana', displayName: 'Ana', locale, role: 'ADMIN' as const };
    await happen('user.profile_updated', id, profile);
    return inboxOf(user);
  }

  test('in English', async () => {
    const items = await everything('en');
    expect(items.map(({ type, title }) => [type, title])).toEqual([
      ['profile_updated', 'Your profile was changed'],
      ['role_changed', 'Your role has changed'],
      ['session_ended', 'A session was ended for safety'],
      ['password_changed', 'Your password was changed'],
      ['password_changed', 'Your password was changed'],
      ['login_failed', 'Somebody could not sign in'],
      ['login_new_device', 'New sign-in'],
      ['user_registered', 'Welcome to Tertulia'],
    ]);
    expect(items[1]?.message).toBe('You are now an administrator.');
    expect(items[5]?.message).toContain('unknown device, 203.0.113.8');
    expect(items[6]?.message).toContain(`${device}, 203.0.113.7`);
  });

  test('in Spanish', async () => {
    expect((await everything('es')).map(({ title }) => title)).toEqual([
      'Se ha cambiado tu perfil',
      'Tu rol ha cambiado',
      'Se ha cerrado una sesión por seguridad',
      'Se ha cambiado tu contraseña',
      'Se ha cambiado tu contraseña',
      'Intento fallido de iniciar sesión',
      'Nuevo inicio de sesión',
      'Te damos la bienvenida a Tertulia',
    ]);
  });

  test('not of a device that is known, a session that they ended, a role that they gave themselves', async () => {
    const user = await app.tokens.user();
    await happen('session.started', user.id, { ...session(user.id), newDevice: false });
    await happen('session.revoked', user.id, { ...session(user.id), reason: 'logout' });
    await happen('user.role_changed', user.id, { userId: user.id, from: 'ADMIN', to: 'USER' });
    expect(await inboxOf(user)).toEqual([]);
  });

  test('a device that says too much of itself is cut short', async () => {
    const user = await app.tokens.user();
    const talkative = { ...session(user.id), device: `x${' y'.repeat(250)}` };
    await happen('session.started', user.id, { ...talkative, newDevice: true });
    const [notice] = await inboxOf(user);
    expect(notice?.message.length).toBeLessThan(300);
    expect(notice?.message).toContain('…');
  });
});

describe('what people are told of their media', () => {
  async function everything(locale: string) {
    const [owner, other] = await Promise.all([app.tokens.user(), app.tokens.user('MODERATOR')]);
    await registered(owner.id, locale);
    const about = media(owner.id);
    await happen('media.liked', other.id, { ...about, userId: other.id, username: 'berta', likes: 1 });
    await happen('media.reported', other.id, { ...about, reason: 'spam', reports: 1 });
    await happen('media.reported', other.id, { ...about, reason: 'spam', reports: 2 });
    await happen('media.moderated', null, { ...about, action: 'hide', reason: 'many reports' });
    await happen('media.moderated', other.id, { ...about, action: 'restore', reason: 'a mistake' });
    await happen('media.moderated', other.id, { ...about, action: 'remove', reason: 'abuse' });
    await happen('media.deleted', other.id, { ...about, final: false, moderated: true });
    await happen('media.deleted', null, { ...about, final: true, trashed: true });
    const failed = {
      uploadId: Bun.randomUUIDv7(),
      ownerId: owner.id,
      filename: 'a.png',
      reason: 'No media.',
    };
    await happen('upload.failed', owner.id, failed);
    await happen('quota.reached', owner.id, { userId: owner.id, usedBytes: 91, quotaBytes: 100 });
    return (await inboxOf(owner))
      .map(({ type, title }) => [type, title])
      .reverse()
      .slice(1);
  }

  test('in English', async () => {
    expect(await everything('en')).toEqual([
      ['content_liked', '@berta likes your media'],
      ['media_reported', 'Your media was reported'],
      ['media_moderated', 'Your media was hidden'],
      ['media_moderated', 'Your media was restored'],
      ['media_moderated', 'Your media was removed'],
      ['upload_failed', 'Upload failed'],
      ['usage_limit_reached', 'Your storage is almost full'],
    ]);
  });

  test('in Spanish', async () => {
    expect((await everything('es')).map(([, title]) => title)).toEqual([
      'A @berta le gusta tu contenido',
      'Se ha denunciado tu contenido',
      'Se ha ocultado tu contenido',
      'Se ha restaurado tu contenido',
      'Se ha retirado tu contenido',
      'La subida ha fallado',
      'Tu espacio está casi lleno',
    ]);
  });

  test('not of what they did themselves', async () => {
    const user = await app.tokens.user('MODERATOR');
    const about = media(user.id);
    await happen('media.liked', user.id, { ...about, userId: user.id, username: 'ana', likes: 1 });
    await happen('media.moderated', user.id, { ...about, action: 'hide', reason: 'my own' });
    await happen('media.deleted', user.id, { ...about, final: false });
    expect(await inboxOf(user)).toEqual([]);
  });
});

describe('what is told, and to whom', () => {
  test('user.registered welcomes in the user’s language, and later texts follow it', async () => {
    const user = await app.tokens.user();
    await registered(user.id, 'es');
    await happen('media.uploaded', user.id, {
      ...media(user.id),
      kind: 'video',
      mimeType: 'video/mp4',
      size: 1,
      sha256: 'x',
    });
    expect((await inboxOf(user)).map(({ title }) => title)).toEqual([
      'Subida completa',
      'Te damos la bienvenida a Tertulia',
    ]);
  });

  test('comment.created: the owner hears of a comment, who was answered of a reply, nobody of both', async () => {
    const [owner, author, third] = [
      await app.tokens.user(),
      await app.tokens.user(),
      await app.tokens.user(),
    ];
    await happen('comment.created', author.id, comment(owner.id, author.id, null));
    await happen('comment.created', third.id, comment(owner.id, third.id, author.id));
    await happen('comment.created', third.id, comment(owner.id, third.id, owner.id));
    expect((await inboxOf(owner)).map(({ type }) => type)).toEqual([
      'comment_reply',
      'new_comment',
      'new_comment',
    ]);
    expect((await inboxOf(author)).map(({ type }) => type)).toEqual(['comment_reply']);
    expect(await inboxOf(third)).toEqual([]);
    const [reply] = await inboxOf(author);
    expect(reply?.title).toBe('@berta replied to you');
    expect(reply?.message).toStartWith('On “A film”: Nice long');
    expect(reply?.message).toEndWith('…');
  });

  test('nobody hears of their own acts', async () => {
    const owner = await app.tokens.user();
    await happen('comment.created', owner.id, comment(owner.id, owner.id, null));
    await happen('comment.created', owner.id, comment(owner.id, owner.id, owner.id));
    await happen('media.deleted', owner.id, { ...media(owner.id), final: true });
    expect(await inboxOf(owner)).toEqual([]);
  });

  test('media.deleted by another is told to the owner', async () => {
    const [owner, moderator] = [await app.tokens.user(), await app.tokens.user('MODERATOR')];
    await happen('media.deleted', moderator.id, { ...media(owner.id), final: true });
    expect((await inboxOf(owner))[0]).toMatchObject({ type: 'media_deleted', priority: 'high' });
  });
});
