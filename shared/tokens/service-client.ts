import { z } from 'zod';
import { type RevocationsPage, revocationsPage } from './revocation-beat.ts';
import type { CallingService } from './service-secret.ts';

const TIMEOUT_MS = 900;
/** A token is replaced so long before it runs out. */
const EARLY_MS = 30_000;

const issued = z.object({ accessToken: z.string(), expiresIn: z.number().positive() });

export type ServiceClient = {
  /** @throws when auth cannot be reached, or refuses. */
  revocationsSince(since: number): Promise<RevocationsPage>;
};

type Options = { authUrl: string; service: CallingService; secret: string };

/** Calls auth as a service: with a token of its own, fetched when there is need, and remembered. */
export function createServiceClient({ authUrl, service, secret }: Options): ServiceClient {
  let token: { value: string; until: number } | undefined;

  async function tokenOf(): Promise<string> {
    if (token !== undefined && Date.now() < token.until) return token.value;
    const answer = await send('/auth/service-tokens', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ service, secret }),
    });
    const { accessToken, expiresIn } = issued.parse(await answer.json());
    token = { value: accessToken, until: Date.now() + expiresIn * 1000 - EARLY_MS };
    return accessToken;
  }

  async function send(path: string, init: RequestInit): Promise<Response> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await fetch(new URL(path, authUrl), { ...init, signal, redirect: 'error' });
    if (answer.ok) return answer;
    await answer.body?.cancel();
    // Auth may have other keys by now.
    if (answer.status === 401) token = undefined;
    throw new Error(`auth answered ${answer.status} for ${path.split('?')[0]}`);
  }

  return {
    async revocationsSince(since) {
      const ask = async () => {
        const headers = { Authorization: `Bearer ${await tokenOf()}` };
        return send(`/auth/revocations?since=${since}`, { headers });
      };
      const given = token;
      // Auth may have refused the token for its key, and what revokes that key is what is asked for.
      const answer = await ask().catch((error: unknown) => {
        if (given === undefined || token !== undefined) throw error;
        return ask();
      });
      return revocationsPage.parse(await answer.json());
    },
  };
}
