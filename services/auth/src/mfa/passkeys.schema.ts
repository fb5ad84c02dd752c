import { z } from '@hono/zod-openapi';
import { instant, line } from '@tertulia/shared/http/fields';
import { code, passwordAgain } from './mfa.schema.ts';
import type { PasskeyRow } from './passkeys.repository.ts';

/** WebAuthn allows ids of 1,023 bytes. */
export const credentialId = z
  .string()
  .regex(/^[\w-]{1,1364}$/, 'is not base64url')
  .openapi({ description: 'Base64url, as the authenticator gave it.' });

const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]+$/, 'is not base64url');

/** What every response has. Browsers may add members of their own, so those that are unknown are dropped. */
const credential = z.object({
  id: credentialId,
  rawId: credentialId,
  type: z.literal('public-key'),
  clientExtensionResults: z.looseObject({}).default({}),
});

export const registrationResponse = credential
  .extend({
    response: z.object({
      clientDataJSON: base64url(8192),
      attestationObject: base64url(65_536),
      transports: z.array(z.string().max(32)).max(16).optional(),
    }),
  })
  .openapi('PasskeyRegistrationResponse');

export const authenticationResponse = credential
  .extend({
    response: z.object({
      clientDataJSON: base64url(8192),
      authenticatorData: base64url(8192),
      signature: base64url(8192),
      userHandle: base64url(128).nullish(),
    }),
  })
  .openapi('PasskeyAuthenticationResponse');

export const proofBody = z
  .strictObject({ password: passwordAgain.optional(), code: code.optional() })
  .openapi('Proof', {
    description:
      'Nothing where the sign-in is less than ten minutes old; else the password, and a code where there is an authenticator app that this session was not started with.',
  });

export const registerBody = z
  .strictObject({ name: line(1, 64), credential: registrationResponse })
  .openapi('PasskeyRegistration');
export const passkeyLoginBody = z
  .strictObject({ credential: authenticationResponse })
  .openapi('PasskeyLogin');
export const nameBody = z.strictObject({ name: line(1, 64) }).openapi('PasskeyName');
export const passkeyParam = z.object({ id: credentialId });

export const passkeySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    transports: z.array(z.string()),
    createdAt: instant(),
    lastUsedAt: instant().nullable(),
  })
  .openapi('Passkey');

/** What `navigator.credentials` is called with: W3C's own JSON, for `parseCreationOptionsFromJSON` and its like. */
export const optionsSchema = z.looseObject({ challenge: z.string() }).openapi('WebAuthnOptions');

export function toPasskey({ id, name, transports, createdAt, lastUsedAt }: PasskeyRow) {
  return {
    id,
    name,
    transports,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}
