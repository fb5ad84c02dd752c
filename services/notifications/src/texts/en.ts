import type { Texts } from './texts.ts';

const ROLES = { USER: 'a user', MODERATOR: 'a moderator', ADMIN: 'an administrator' };

const MODERATED = {
  hide: 'Your media was hidden',
  restore: 'Your media was restored',
  remove: 'Your media was removed',
};

export const en: Texts = {
  user_registered: {
    title: () => 'Welcome to Tertulia',
    message: ({ username }) => `Your account @${username} is ready.`,
  },
  login_new_device: {
    title: () => 'New sign-in',
    message: ({ device, address }) =>
      `Your account was used from a new device: ${device ?? 'unknown'}, ${address}. If that was not you, change your password.`,
  },
  login_failed: {
    title: () => 'Somebody could not sign in',
    message: ({ device, address }) =>
      `A wrong password was given for your account: ${device ?? 'unknown device'}, ${address}.`,
  },
  password_changed: {
    title: () => 'Your password was changed',
    message: ({ by }) =>
      by === 'reset'
        ? 'It was reset with a link from your e-mail. If that was not you, secure your mailbox and reset it again.'
        : 'If that was not you, reset it now.',
  },
  session_ended: {
    title: () => 'A session was ended for safety',
    message: ({ device, address }) =>
      `Its refresh token was used twice, so somebody may have copied it: ${device ?? 'unknown device'}, ${address}. Sign in again there.`,
  },
  role_changed: {
    title: () => 'Your role has changed',
    message: ({ to }) => `You are now ${ROLES[to]}.`,
  },
  profile_updated: {
    title: () => 'Your profile was changed',
    message: ({ username }) => `The profile of @${username} is up to date.`,
  },
  upload_completed: {
    title: () => 'Upload complete',
    message: ({ mediaTitle }) => `“${mediaTitle}” is online.`,
  },
  new_comment: {
    title: ({ actor }) => `@${actor} commented`,
    message: ({ mediaTitle, excerpt }) => `On “${mediaTitle}”: ${excerpt}`,
  },
  comment_reply: {
    title: ({ actor }) => `@${actor} replied to you`,
    message: ({ mediaTitle, excerpt }) => `On “${mediaTitle}”: ${excerpt}`,
  },
  media_deleted: {
    title: () => 'Your media was deleted',
    message: ({ mediaTitle }) => `“${mediaTitle}” was deleted by a moderator.`,
  },
  media_reported: {
    title: () => 'Your media was reported',
    message: ({ mediaTitle }) => `Somebody has reported “${mediaTitle}”. A moderator will look at it.`,
  },
  media_moderated: {
    title: ({ action }) => MODERATED[action],
    message: ({ mediaTitle, reason }) => `“${mediaTitle}”: ${reason}`,
  },
  content_liked: {
    title: ({ actor }) => `@${actor} likes your media`,
    message: ({ mediaTitle }) => `“${mediaTitle}”`,
  },
  upload_failed: {
    title: () => 'Upload failed',
    message: ({ filename, reason }) => `${filename}: ${reason}`,
  },
  usage_limit_reached: {
    title: ({ percent }) => (percent >= 100 ? 'Your storage is full' : 'Your storage is almost full'),
    message: ({ percent }) => `${percent} % of it is used. Deleting media for good makes room.`,
  },
};
