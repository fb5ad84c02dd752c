/**
 * Whom a route lets through: `open` looks at no token, `anyone` takes a good one or none, `service` is for
 * other services, and each of the rest takes that role or a higher one.
 */
export type Access = 'open' | 'anyone' | 'user' | 'moderator' | 'admin' | 'service';

export type Declaration = { security: { bearerAuth: string[] }[]; 'x-access': Access };

const BEARER = { bearerAuth: [] };

/**
 * What OpenAPI says of it, to be spread into a route: `security` for generators, `x-access` for the role. Guards
 * bring it along; it is written out where the guard stands among other middleware. A test makes its
 * expectations of it, and fails for a route that declares nothing.
 */
export function declareAccess(access: Access): Declaration {
  if (access === 'open') return { security: [], 'x-access': access };
  return { security: access === 'anyone' ? [{} as typeof BEARER, BEARER] : [BEARER], 'x-access': access };
}

/** For a route without a guard: it looks at no token. */
export const open = declareAccess('open');
