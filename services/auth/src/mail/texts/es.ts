import { TOKEN_MINUTES } from '../../email/one-time-tokens.ts';
import type { Texts } from './texts.ts';

const validity = `El enlace sirve una sola vez, durante ${TOKEN_MINUTES} minutos.`;
const notYou = 'Si no has sido tú, cambia ya tu contraseña: puede que otra persona la conozca.';

const FACTORS = {
  totp_added: 'se ha añadido una aplicación de autenticación a',
  totp_removed: 'se ha quitado la aplicación de autenticación de',
  passkey_added: 'se ha añadido una llave de acceso a',
  passkey_removed: 'se ha quitado una llave de acceso de',
} as const;

export const es: Texts = {
  verify_email: ({ username }) => ({
    subject: 'Confirma tu correo electrónico',
    paragraphs: [
      `Hola, @${username}: confirma que esta dirección es tuya.`,
      `${validity} Si no tienes cuenta con nosotros, no hagas nada.`,
    ],
    button: 'Confirmar dirección',
  }),
  reset_password: ({ username }) => ({
    subject: 'Elige una contraseña nueva',
    paragraphs: [
      `Hola, @${username}: alguien ha pedido una contraseña nueva para tu cuenta.`,
      `${validity} Si no has sido tú, no hagas nada: tu contraseña sigue siendo la misma.`,
    ],
    button: 'Elegir contraseña',
  }),
  password_changed: ({ username }) => ({
    subject: 'Tu contraseña ha cambiado',
    paragraphs: [
      `Hola, @${username}: la contraseña de tu cuenta ha cambiado y se ha cerrado la sesión en los demás dispositivos.`,
      'Si no has sido tú, pide enseguida una contraseña nueva: «He olvidado mi contraseña», en la página de acceso.',
    ],
  }),
  confirm_new_email: ({ username }) => ({
    subject: 'Confirma tu nuevo correo electrónico',
    paragraphs: [
      `Hola, @${username}: confirma que esta va a ser la dirección de tu cuenta.`,
      `${validity} Si no lo has pedido, no hagas nada.`,
    ],
    button: 'Confirmar dirección',
  }),
  email_change_requested: ({ username, newEmail }) => ({
    subject: 'Tu correo electrónico está a punto de cambiar',
    paragraphs: [
      `Hola, @${username}: alguien que conoce tu contraseña ha pedido cambiar la dirección de tu cuenta a ${newEmail}.`,
      notYou,
    ],
  }),
  email_changed: ({ username, newEmail }) => ({
    subject: 'Tu correo electrónico ha cambiado',
    paragraphs: [
      `Hola, @${username}: la dirección de tu cuenta es ahora ${newEmail}. Esta ya no se usa.`,
      'Si no has sido tú, avisa a la administración.',
    ],
  }),
  factors_reset: ({ username }) => ({
    subject: 'Se han quitado tus segundos factores',
    paragraphs: [
      `Hola, @${username}: la administración ha quitado los segundos factores de tu cuenta. Ahora basta tu contraseña para entrar.`,
      'Si no lo has pedido, cambia tu contraseña y vuelve a configurar un segundo factor.',
    ],
  }),
  factor_changed: ({ username, what }) => ({
    subject: 'Ha cambiado tu forma de entrar',
    paragraphs: [`Hola, @${username}: ${FACTORS[what]} tu cuenta.`, notYou],
  }),
  account_suspended: ({ username, reason, until }) => ({
    subject: 'Tu cuenta está suspendida',
    paragraphs: [
      `Hola, @${username}: tu cuenta está suspendida ${until === null ? 'hasta nuevo aviso' : `hasta el ${dayOf(until)}`}.`,
      `Motivo: ${reason}`,
    ],
  }),
  deletion_requested: ({ username, deleteAt }) => ({
    subject: 'Tu cuenta se va a eliminar',
    paragraphs: [
      `Hola, @${username}: tu cuenta y todo lo que contiene se eliminará para siempre el ${dayOf(deleteAt)}.`,
      'Hasta entonces puedes entrar y recuperarla.',
    ],
  }),
  account_restored: ({ username }) => ({
    subject: 'Tu cuenta está recuperada',
    paragraphs: [
      `Hola, @${username}: tu cuenta no se va a eliminar. Te damos la bienvenida de nuevo.`,
      notYou,
    ],
  }),
};

const dayOf = (instant: string) =>
  new Date(instant)
    .toLocaleString('es', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
    .concat(' UTC');
