/** What each type of notification is told with. A new type, and no language compiles until it has a text. */
export type TextParameters = {
  user_registered: { username: string };
  upload_completed: { mediaTitle: string };
  new_comment: { actor: string; mediaTitle: string; excerpt: string };
  comment_reply: { actor: string; mediaTitle: string; excerpt: string };
  media_deleted: { mediaTitle: string };
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
  'upload_completed',
  'new_comment',
  'comment_reply',
  'media_deleted',
] as const satisfies readonly NotificationType[];
