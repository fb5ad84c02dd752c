/** Options as auth gives them: W3C's own JSON. */
export type Options = { challenge: string };

/** Whether this browser has passkeys, and can read their options. Without https only `localhost` has them. */
export const hasPasskeys = () =>
  typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;

/** Has the device make a passkey, which asks its owner. @throws when they say no. */
export async function makePasskey(options: Options): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as never);
  return toJson(await inWords(navigator.credentials.create({ publicKey })));
}

/** Has the owner show a passkey. @throws when they say no. */
export async function showPasskey(options: Options): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as never);
  return toJson(await inWords(navigator.credentials.get({ publicKey })));
}

function toJson(credential: Credential | null): unknown {
  if (!(credential instanceof PublicKeyCredential)) throw new Error(REASONS.NotAllowedError);
  return credential.toJSON();
}

/** Browsers tell little of why, so that sites learn nothing about who sits there. */
const REASONS: Record<string, string> = {
  NotAllowedError:
    'No passkey was shown: it was cancelled, it took too long, or there is none on this device.',
  InvalidStateError: 'This device has a passkey for your account already.',
  SecurityError: 'Passkeys belong to another address than that of this page.',
};

async function inWords<Value>(asked: Promise<Value>): Promise<Value> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new Error(REASONS[error.name] ?? error.message, { cause: error });
  }
}
