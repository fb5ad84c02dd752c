import { type Cell, createCell } from './cell.ts';
import { cookieInit, jsonInit, send } from './http.ts';
import { ApiProblem } from './problem.ts';
import type { User } from './types.ts';

type Tokens = { accessToken: string; refreshToken?: string; expiresIn: number };

export type SignedIn = {
  user: User;
  accessToken: string;
  /** Absent where the browser keeps it, in a cookie that no script can read. */
  refreshToken?: string;
  /** From when on the access token is too old to start something with, milliseconds. */
  refreshAt: number;
};

/** Every call that ends in a session. */
export type Entrance = '/auth/register' | '/auth/login' | '/auth/login/mfa' | '/auth/login/passkey';

export type Session = {
  current: Cell<SignedIn | undefined>;
  /** Signs in. With `stay`, in every tab and after the browser was closed; else in this tab. */
  enter(by: Entrance, body: unknown, stay: boolean): Promise<void>;
  /** Signs in who has stayed signed in in this browser. */
  resume(): Promise<void>;
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
/** In `localStorage`: that there is a cookie, which no script can see. */
const STAYS = 'tertulia.stays';
/** A token is exchanged so long before it runs out, or in the middle of a shorter life. */
const EARLY_SECONDS = 30;

/**
 * Who is signed in. Without `stay` it is this tab's business: `sessionStorage` outlives reloads, and a second
 * tab may be somebody else. With it the refresh token travels as a cookie, out of every script's reach.
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

  function adopt({ accessToken, refreshToken, expiresIn }: Tokens, user = current.get()?.user): string {
    if (user !== undefined) {
      const refreshAt = Date.now() + (expiresIn - Math.min(EARLY_SECONDS, expiresIn / 2)) * 1000;
      current.set({ user, accessToken, refreshAt, ...(refreshToken === undefined ? {} : { refreshToken }) });
    }
    return accessToken;
  }

  async function exchange(refreshToken: string | undefined): Promise<string> {
    const init = refreshToken === undefined ? cookieInit('POST') : jsonInit('POST', { refreshToken });
    const response = await send(`${auth}/auth/refresh`, init);
    const tokens: Tokens = await response.json();
    if (refreshToken !== undefined) twins.postMessage({ used: refreshToken, tokens });
    const profile = await send(`${auth}/auth/profile`, authorized(tokens.accessToken));
    // The role may have changed since.
    return adopt(tokens, await profile.json());
  }

  async function exchangeOrEnd(refreshToken: string | undefined): Promise<string | undefined> {
    try {
      return await exchange(refreshToken);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
      if (refreshToken === undefined) localStorage.removeItem(STAYS);
      current.set(undefined);
      onEnd();
      return undefined;
    }
  }

  async function refresh(refused?: string): Promise<string | undefined> {
    const signedIn = current.get();
    if (signedIn === undefined) return undefined;
    if (refused !== undefined && refused !== signedIn.accessToken) return signedIn.accessToken;
    refreshing ??= exchangeOrEnd(signedIn.refreshToken).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  return {
    current,
    refresh,

    async enter(by, body, stay) {
      // Credentials in any case: the cookie by which auth knows this device again is one too.
      const init = stay
        ? cookieInit('POST', body)
        : { ...jsonInit('POST', body), credentials: 'include' as const };
      const response = await send(auth + by, init);
      const { user, ...tokens }: Tokens & { user: User } = await response.json();
      if (stay) localStorage.setItem(STAYS, '1');
      adopt(tokens, user);
    },

    async resume() {
      if (current.get() !== undefined || localStorage.getItem(STAYS) === null) return;
      await exchange(undefined).catch((error: unknown) => {
        if (error instanceof ApiProblem && error.status === 401) localStorage.removeItem(STAYS);
      });
    },

    async signOut() {
      const signedIn = current.get();
      current.set(undefined);
      if (signedIn === undefined) return;
      const { headers } = authorized(signedIn.accessToken);
      const stays = signedIn.refreshToken === undefined;
      if (stays) localStorage.removeItem(STAYS);
      const init = stays ? cookieInit('POST') : { method: 'POST', headers };
      // Signed out here in any case; a token that has run out says nothing to auth.
      await send(`${auth}/auth/logout`, init).catch(() => {});
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
