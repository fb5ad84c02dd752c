import type { Role } from '@tertulia/shared/http/context';

/** What each type of notification is told with. A new type, and no language compiles until it has a text. */
export type TextParameters = {
  user_registered: { username: string };
  /** `device` is what the browser says of itself; null when it says nothing. */
  login_new_device: { device: string | null; address: string };
  login_failed: { device: string | null; address: string };
  password_changed: { by: 'change' | 'reset' };
  session_ended: { device: string | null; address: string };
  role_changed: { to: Role };
  profile_updated: { username: string };
  upload_completed: { mediaTitle: string };
  new_comment: { actor: string; mediaTitle: string; excerpt: string };
  comment_reply: { actor: string; mediaTitle: string; excerpt: string };
  media_deleted: { mediaTitle: string };
  media_reported: { mediaTitle: string };
  media_moderated: { mediaTitle: string; action: 'hide' | 'restore' | 'remove'; reason: string };
  content_liked: { actor: string; mediaTitle: string };
  upload_failed: { filename: string; reason: string };
  usage_limit_reached: { percent: number };
};

export type NotificationType = keyof TextParameters;

export type Texts = {
  [Type in NotificationType]: {
    title(parameters: TextParameters[Type]): string;
    message(parameters: TextParameters[Type]): string;
  };
};

export const NOTIFICATION_TYPES = [
  'user_registered',
  'login_new_device',
  'login_failed',
  'password_changed',
  'session_ended',
  'role_changed',
  'profile_updated',
  'upload_completed',
  'new_comment',
  'comment_reply',
  'media_deleted',
  'media_reported',
  'media_moderated',
  'content_liked',
  'upload_failed',
  'usage_limit_reached',
] as const satisfies readonly NotificationType[];
