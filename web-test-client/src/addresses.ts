import type { WebEnv } from './env.ts';
import type { Addresses } from './page/config.ts';

/**
 * Where the page finds the services: as the variables say, else on the host by which the page itself was
 * asked for, so that `localhost`, `127.0.0.1` and a machine's name in the local network all work.
 */
export function addressesOf(env: WebEnv, pageUrl: string): Addresses {
  const at = (given: string | undefined, port: number) =>
    originOf(given ?? pageUrl, given ? undefined : port);
  return {
    auth: at(env.AUTH_PUBLIC_URL, env.AUTH_PORT),
    media: at(env.MEDIA_PUBLIC_URL, env.MEDIA_PORT),
    comments: at(env.COMMENTS_PUBLIC_URL, env.COMMENTS_PORT),
    notifications: at(env.NOTIFICATIONS_PUBLIC_URL, env.NOTIFICATIONS_PORT),
  };
}

function originOf(address: string, port: number | undefined): string {
  const url = new URL(address);
  if (port === undefined) return url.origin;
  // The name comes from a header and goes into another one, where `;` and `,` would mean something.
  const name = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(url.hostname) ? url.hostname : 'localhost';
  return `${url.protocol}//${name}:${port}`;
}

/** What the page may load, and whom it may talk to. Nothing inline, and no string becomes markup or code. */
export function policyOf({ auth, media, comments, notifications }: Addresses): string {
  const sockets = notifications.replace(/^http/, 'ws');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' blob: ${media}`,
    `media-src blob: ${media}`,
    `connect-src 'self' ${auth} ${media} ${comments} ${notifications} ${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}
