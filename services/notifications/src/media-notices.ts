import type { EventData } from '@tertulia/shared/events/catalog';
import type { Notice } from './inbox/inbox.service.ts';
import { excerptOf } from './texts/languages.ts';

/** What people are told of their media: what others did to them, and what went wrong. */

const aboutMedia = ({ mediaId }: { mediaId: string }) => ({ mediaId, link: `/media/${mediaId}` });

/** It has no link any more. */
export const mediaDeletedNotice = (data: EventData<'media.deleted'>): Notice<'media_deleted'> => ({
  userId: data.ownerId,
  type: 'media_deleted',
  parameters: { mediaTitle: data.title },
  priority: 'high',
  data: { mediaId: data.mediaId },
});

export const likedNotice = (data: EventData<'media.liked'>): Notice<'content_liked'> => ({
  userId: data.ownerId,
  type: 'content_liked',
  parameters: { actor: data.username, mediaTitle: data.title },
  priority: 'low',
  data: { ...aboutMedia(data), actorId: data.userId },
});

/** Who has reported it, and why, is between them and the moderators. */
export const reportedNotice = (data: EventData<'media.reported'>): Notice<'media_reported'> => ({
  userId: data.ownerId,
  type: 'media_reported',
  parameters: { mediaTitle: data.title },
  data: aboutMedia(data),
});

export const moderatedNotice = (data: EventData<'media.moderated'>): Notice<'media_moderated'> => ({
  userId: data.ownerId,
  type: 'media_moderated',
  parameters: { mediaTitle: data.title, action: data.action, reason: data.reason },
  priority: 'high',
  data: { ...(data.action === 'remove' ? { mediaId: data.mediaId } : aboutMedia(data)), action: data.action },
});

export const uploadFailedNotice = (data: EventData<'upload.failed'>): Notice<'upload_failed'> => ({
  userId: data.ownerId,
  type: 'upload_failed',
  parameters: { filename: excerptOf(data.filename), reason: data.reason },
  priority: 'high',
  data: { uploadId: data.uploadId },
});

export const quotaNotice = (data: EventData<'quota.reached'>): Notice<'usage_limit_reached'> => ({
  userId: data.userId,
  type: 'usage_limit_reached',
  parameters: { percent: Math.floor((data.usedBytes / Math.max(1, data.quotaBytes)) * 100) },
  priority: 'high',
  data: { usedBytes: data.usedBytes, quotaBytes: data.quotaBytes, link: '/media/usage' },
});
