import type { Log } from '../runtime/log.ts';

/** Who is calling, as far as the access token tells. */
export type Caller = {
  userId: string;
  sessionId: string;
  username: string;
  role: Role;
  /** The role that the user would have, had the session been started with a second factor. */
  withheld?: Role | undefined;
  /** The user's generation at the time the token was signed. */
  version: number;
  /** When the token runs out, seconds since 1970. */
  expiresAt: number;
  /** The key that it was signed with. */
  kid?: string | undefined;
};

export const ROLES = ['USER', 'MODERATOR', 'ADMIN'] as const;
export type Role = (typeof ROLES)[number];

/** True when `role` ranks at least as high as `wanted`. */
export function hasRole(role: Role, wanted: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

/** What the kernel puts in every request's context. */
export type AppEnv = {
  Bindings: {
    requestIp?: (request: Request) => string | undefined;
    /** Seconds until the server cuts the request's connection; 0 leaves that to the route. */
    setTimeout?: (request: Request, seconds: number) => void;
  };
  Variables: {
    requestId: string;
    log: Log;
    /** The client's address, behind trusted proxies too; IPv6 counts by /64. */
    address: string;
    /** W3C trace context of the request, if it brought one. */
    traceparent: string | undefined;
    /** Set by the token guard; undefined for nobody. */
    caller: Caller | undefined;
  };
};

/** The environment behind a guard that lets nobody through. */
export type CallerEnv = AppEnv & { Variables: { caller: Caller } };
