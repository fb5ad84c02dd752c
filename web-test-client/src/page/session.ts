import { type Cell, createCell } from './cell.ts';
import { jsonInit, send } from './http.ts';
import { ApiProblem } from './problem.ts';
import type { User } from './types.ts';

type Tokens = { accessToken: string; refreshToken: string; expiresIn: number };

export type SignedIn = {
  user: User;
  accessToken: string;
  refreshToken: string;
  /** From when on the access token is too old to start something with, milliseconds. */
  refreshAt: number;
};

export type Session = {
  current: Cell<SignedIn | undefined>;
  signUp(body: { username: string; email: string; password: string; displayName?: string }): Promise<void>;
  signIn(body: { email: string; password: string }): Promise<void>;
  signOut(): Promise<void>;
  /** An access token that is good for a while; undefined when nobody is signed in. */
  token(): Promise<string | undefined>;
  /**
   * A fresh access token, unless the one that was refused has been replaced already; calls at the same time
   * share one exchange. Undefined when the session is over.
   */
  refresh(refused?: string): Promise<string | undefined>;
};

const KEY = 'tertulia.session';
/** A token is exchanged so long before it runs out, or in the middle of a shorter life. */
const EARLY_SECONDS = 30;

/**
 * Who is signed in, in this tab: `sessionStorage` outlives reloads and lets a second tab be somebody else. A
 * site of your own would ask for `X-Refresh-Cookie`, which keeps the refresh token out of every script's reach.
 */
export function createSession(auth: string, onEnd: () => void): Session {
  const current = createCell<SignedIn | undefined>(restore());
  let refreshing: Promise<string | undefined> | undefined;

  current.watch((signedIn) => {
    if (signedIn === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(signedIn));
  });

  // A tab that was duplicated holds the same refresh token, which works once: who uses it tells the others.
  const twins = new BroadcastChannel(KEY);
  twins.onmessage = ({ data }: MessageEvent<{ used: string; tokens: Tokens }>) => {
    if (current.get()?.refreshToken === data.used) adopt(data.tokens);
  };

  function adopt(tokens: Tokens, user = current.get()?.user): string {
    if (user !== undefined) {
      const { accessToken, refreshToken } = tokens;
      const good = tokens.expiresIn - Math.min(EARLY_SECONDS, tokens.expiresIn / 2);
      current.set({ user, accessToken, refreshToken, refreshAt: Date.now() + good * 1000 });
    }
    return tokens.accessToken;
  }

  async function enter(path: string, body: unknown): Promise<void> {
    const response = await send(auth + path, jsonInit('POST', body));
    const { user, ...tokens }: Tokens & { user: User } = await response.json();
    adopt(tokens, user);
  }

  async function exchange(refreshToken: string): Promise<string | undefined> {
    try {
      const response = await send(`${auth}/auth/refresh`, jsonInit('POST', { refreshToken }));
      const tokens: Tokens = await response.json();
      twins.postMessage({ used: refreshToken, tokens });
      const profile = await send(`${auth}/auth/profile`, authorized(tokens.accessToken));
      // The role may have changed since.
      return adopt(tokens, await profile.json());
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
      current.set(undefined);
      onEnd();
      return undefined;
    }
  }

  async function refresh(refused?: string): Promise<string | undefined> {
    const signedIn = current.get();
    if (signedIn === undefined) return undefined;
    if (refused !== undefined && refused !== signedIn.accessToken) return signedIn.accessToken;
    refreshing ??= exchange(signedIn.refreshToken).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  return {
    current,
    refresh,
    signUp: (body) => enter('/auth/register', body),
    signIn: (body) => enter('/auth/login', body),

    async signOut() {
      const token = current.get()?.accessToken;
      current.set(undefined);
      // Signed out here in any case; a token that has run out says nothing to auth.
      if (token !== undefined) {
        await send(`${auth}/auth/logout`, { method: 'POST', ...authorized(token) }).catch(() => {});
      }
    },

    async token() {
      const signedIn = current.get();
      const fresh = signedIn !== undefined && Date.now() < signedIn.refreshAt;
      return fresh ? signedIn.accessToken : refresh();
    },
  };
}

const authorized = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

function restore(): SignedIn | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}
