import type { EventData } from '@tertulia/shared/events/catalog';
import type { Notice } from './inbox/inbox.service.ts';
import { excerptOf } from './texts/languages.ts';

/**
 * What people are told of their own account. Security notices reach them also when the act was their own: it
 * may have been somebody who only looks like them.
 */

export const newDeviceNotice = (data: EventData<'session.started'>): Notice<'login_new_device'> => ({
  userId: data.userId,
  type: 'login_new_device',
  parameters: whence(data),
  priority: 'high',
  data: { sessionId: data.sessionId, link: '/sessions' },
});

export const loginFailedNotice = (data: EventData<'login.failed'>): Notice<'login_failed'> => ({
  userId: data.userId,
  type: 'login_failed',
  parameters: whence(data),
  priority: 'high',
  data: { userId: data.userId, link: '/sessions' },
});

export const sessionEndedNotice = (data: EventData<'session.revoked'>): Notice<'session_ended'> => ({
  userId: data.userId,
  type: 'session_ended',
  parameters: whence(data),
  priority: 'critical',
  data: { sessionId: data.sessionId, link: '/sessions' },
});

export const passwordChangedNotice = (
  data: EventData<'user.password_changed'>,
): Notice<'password_changed'> => ({
  userId: data.userId,
  type: 'password_changed',
  parameters: { by: data.by },
  priority: 'high',
  data: { userId: data.userId, link: '/sessions' },
});

export const roleChangedNotice = (data: EventData<'user.role_changed'>): Notice<'role_changed'> => ({
  userId: data.userId,
  type: 'role_changed',
  parameters: { to: data.to },
  priority: 'high',
  data: { userId: data.userId, from: data.from, to: data.to, link: `/users/${data.userId}` },
});

export const profileUpdatedNotice = (data: EventData<'user.profile_updated'>): Notice<'profile_updated'> => ({
  userId: data.userId,
  type: 'profile_updated',
  parameters: { username: data.username },
  priority: 'low',
  data: { userId: data.userId, link: `/users/${data.userId}` },
});

/** What a browser says of itself is as long, and as strange, as it likes. */
function whence({ device, address }: { device: string | null; address: string }) {
  return { device: device === null ? null : excerptOf(device), address };
}
