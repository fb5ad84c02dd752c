import type { Texts } from './texts.ts';

const ROLES = { USER: 'usuario', MODERATOR: 'moderación', ADMIN: 'administración' };

const MODERATED = {
  hide: 'Se ha ocultado tu contenido',
  restore: 'Se ha restaurado tu contenido',
  remove: 'Se ha retirado tu contenido',
};

export const es: Texts = {
  user_registered: {
    title: () => 'Te damos la bienvenida a Tertulia',
    message: ({ username }) => `Tu cuenta @${username} está lista.`,
  },
  login_new_device: {
    title: () => 'Nuevo inicio de sesión',
    message: ({ device, address }) =>
      `Se ha usado tu cuenta desde un dispositivo nuevo: ${device ?? 'desconocido'}, ${address}. Si no has sido tú, cambia tu contraseña.`,
  },
  login_failed: {
    title: () => 'Intento fallido de iniciar sesión',
    message: ({ device, address }) =>
      `Se ha dado una contraseña incorrecta para tu cuenta: ${device ?? 'dispositivo desconocido'}, ${address}.`,
  },
  password_changed: {
    title: () => 'Se ha cambiado tu contraseña',
    message: ({ by }) =>
      by === 'reset'
        ? 'Se restableció con un enlace de tu correo. Si no has sido tú, protege tu buzón y restablécela de nuevo.'
        : 'Si no has sido tú, restablécela ahora.',
  },
  session_ended: {
    title: () => 'Se ha cerrado una sesión por seguridad',
    message: ({ device, address }) =>
      `Su token de renovación se usó dos veces y alguien puede haberlo copiado: ${device ?? 'dispositivo desconocido'}, ${address}. Vuelve a iniciar sesión allí.`,
  },
  role_changed: {
    title: () => 'Tu rol ha cambiado',
    message: ({ to }) => `Ahora tienes el rol de ${ROLES[to]}.`,
  },
  profile_updated: {
    title: () => 'Se ha cambiado tu perfil',
    message: ({ username }) => `El perfil de @${username} está al día.`,
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
  media_reported: {
    title: () => 'Se ha denunciado tu contenido',
    message: ({ mediaTitle }) => `Alguien ha denunciado «${mediaTitle}». Moderación lo revisará.`,
  },
  media_moderated: {
    title: ({ action }) => MODERATED[action],
    message: ({ mediaTitle, reason }) => `«${mediaTitle}»: ${reason}`,
  },
  content_liked: {
    title: ({ actor }) => `A @${actor} le gusta tu contenido`,
    message: ({ mediaTitle }) => `«${mediaTitle}»`,
  },
  upload_failed: {
    title: () => 'La subida ha fallado',
    message: ({ filename, reason }) => `${filename}: ${reason}`,
  },
  usage_limit_reached: {
    title: ({ percent }) => (percent >= 100 ? 'Tu espacio está lleno' : 'Tu espacio está casi lleno'),
    message: ({ percent }) => `Usas el ${percent} %. Eliminar contenido del todo libera espacio.`,
  },
};
