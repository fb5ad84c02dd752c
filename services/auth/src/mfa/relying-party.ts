/** Who passkeys are made for (WebAuthn, 5.4.2): the front end at `WEB_URL`, at its host and no other. */
export function relyingPartyOf({ WEB_URL }: { WEB_URL: string }) {
  const { hostname, origin } = new URL(WEB_URL);
  return { name: 'Tertulia', id: hostname, origin };
}

/** EdDSA, ES256, RS256: what authenticators have. */
export const ALGORITHMS = [-8, -7, -257];
