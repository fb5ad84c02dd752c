import { z } from 'zod';
import { ROLES } from '../http/context.ts';
import type { Envelope } from './envelope.ts';

export const SOURCES = ['auth', 'media', 'comments'] as const;
/** A service that announces events; its stream has the same name. */
export type Source = (typeof SOURCES)[number];

type Definition<Data extends z.ZodType> = {
  version: number;
  source: Source;
  data: Data;
  /** What the event is about; order holds among events of one subject. */
  subject(data: z.infer<Data>): string;
};

function event<Data extends z.ZodType>(source: Source, data: Data, subject: (data: z.infer<Data>) => string) {
  return { version: 1, source, data, subject } satisfies Definition<Data>;
}

const aboutUser = (data: { userId: string }) => `user:${data.userId}`;
const aboutMedia = (data: { mediaId: string }) => `media:${data.mediaId}`;
const aboutComment = (data: { commentId: string }) => `comment:${data.commentId}`;

export const VISIBILITIES = ['public', 'unlisted', 'private'] as const;
export const MEDIA_KINDS = ['image', 'video', 'audio'] as const;

const user = z.object({
  userId: z.uuid(),
  username: z.string(),
  displayName: z.string().nullable(),
  locale: z.string(),
  role: z.enum(ROLES),
});

/** A sign-in: `device` is what the browser says of itself, cut short. */
const session = z.object({
  userId: z.uuid(),
  sessionId: z.uuid(),
  device: z.string().nullable(),
  address: z.string(),
});

const media = z.object({
  mediaId: z.uuid(),
  ownerId: z.uuid(),
  ownerUsername: z.string(),
  title: z.string(),
  visibility: z.enum(VISIBILITIES),
});

const comment = z.object({
  commentId: z.uuid(),
  mediaId: z.uuid(),
  mediaOwnerId: z.uuid(),
  mediaTitle: z.string(),
  parentId: z.uuid().nullable(),
  parentAuthorId: z.uuid().nullable(),
  authorId: z.uuid(),
  authorUsername: z.string(),
  content: z.string(),
});

/** Every durable event between services: facts in the past tense, each announced in one place. */
export const EVENTS = {
  'user.registered': event('auth', user, aboutUser),
  'user.profile_updated': event('auth', user, aboutUser),
  'user.role_changed': event(
    'auth',
    z.object({ userId: z.uuid(), from: z.enum(ROLES), to: z.enum(ROLES) }),
    aboutUser,
  ),
  'user.suspended': event(
    'auth',
    z.object({ userId: z.uuid(), reason: z.string(), until: z.iso.datetime().nullable() }),
    aboutUser,
  ),
  'user.unsuspended': event('auth', z.object({ userId: z.uuid() }), aboutUser),
  'user.password_changed': event(
    'auth',
    z.object({ userId: z.uuid(), by: z.enum(['change', 'reset']) }),
    aboutUser,
  ),
  /** The account is gone for good: whoever holds something of it lets go. */
  'user.deleted': event('auth', z.object({ userId: z.uuid(), username: z.string() }), aboutUser),
  'session.started': event('auth', session.extend({ newDevice: z.boolean() }), aboutUser),
  'session.revoked': event('auth', session.extend({ reason: z.string() }), aboutUser),
  'login.failed': event('auth', session.omit({ sessionId: true }), aboutUser),
  /** Access tokens that no service takes any more: see the table `revocations`. */
  'tokens.revoked': event(
    'auth',
    z.object({
      seq: z.int(),
      userId: z.uuid(),
      sessionIds: z.array(z.uuid()),
      minGeneration: z.int().nullable(),
      /** Signing keys that have leaked. */
      kids: z.array(z.string()).optional(),
      expiresAt: z.iso.datetime(),
    }),
    aboutUser,
  ),
  'media.uploaded': event(
    'media',
    media.extend({ kind: z.enum(MEDIA_KINDS), mimeType: z.string(), size: z.int(), sha256: z.string() }),
    aboutMedia,
  ),
  'media.updated': event('media', media, aboutMedia),
  /** Into the trash, or for good. */
  'media.deleted': event(
    'media',
    media.extend({
      final: z.boolean().default(true),
      /** It was in the trash before, so this is no news. */
      trashed: z.boolean().optional(),
      /** A `media.moderated` tells why. */
      moderated: z.boolean().optional(),
    }),
    aboutMedia,
  ),
  'media.restored': event('media', media, aboutMedia),
  'media.liked': event(
    'media',
    media.extend({ userId: z.uuid(), username: z.string(), likes: z.int() }),
    aboutMedia,
  ),
  'media.reported': event('media', media.extend({ reason: z.string(), reports: z.int() }), aboutMedia),
  'media.moderated': event(
    'media',
    media.extend({ action: z.enum(['hide', 'restore', 'remove']), reason: z.string() }),
    aboutMedia,
  ),
  'upload.failed': event(
    'media',
    z.object({ uploadId: z.uuid(), ownerId: z.uuid(), filename: z.string(), reason: z.string() }),
    (data) => `upload:${data.uploadId}`,
  ),
  'quota.reached': event(
    'media',
    z.object({ userId: z.uuid(), usedBytes: z.int(), quotaBytes: z.int() }),
    aboutUser,
  ),
  'comment.created': event('comments', comment, aboutComment),
  'comment.updated': event('comments', comment, aboutComment),
  'comment.deleted': event('comments', comment.omit({ content: true }), aboutComment),
} as const;

export type EventType = keyof typeof EVENTS;
export type EventData<Type extends EventType> = z.infer<(typeof EVENTS)[Type]['data']>;
export type EventOf<Type extends EventType> = Omit<Envelope, 'type' | 'data'> & {
  type: Type;
  data: EventData<Type>;
};

/** True for a type that this build knows; newer ones are somebody else's business. */
export function isKnown(type: string): type is EventType {
  return Object.hasOwn(EVENTS, type);
}
