import type { Texts } from './texts.ts';

export const en: Texts = {
  user_registered: {
    title: () => 'Welcome to Tertulia',
    message: ({ username }) => `Your account @${username} is ready.`,
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
};
