import type { Texts } from './texts.ts';

export const es: Texts = {
  user_registered: {
    title: () => 'Te damos la bienvenida a Tertulia',
    message: ({ username }) => `Tu cuenta @${username} está lista.`,
  },
  upload_completed: {
    title: () => 'Subida completa',
    message: ({ mediaTitle }) => `«${mediaTitle}» ya está en línea.`,
  },
  new_comment: {
    title: ({ actor }) => `@${actor} ha comentado`,
    message: ({ mediaTitle, excerpt }) => `En «${mediaTitle}»: ${excerpt}`,
  },
  comment_reply: {
    title: ({ actor }) => `@${actor} te ha respondido`,
    message: ({ mediaTitle, excerpt }) => `En «${mediaTitle}»: ${excerpt}`,
  },
  media_deleted: {
    title: () => 'Se ha eliminado tu contenido',
    message: ({ mediaTitle }) => `Moderación ha eliminado «${mediaTitle}».`,
  },
};
