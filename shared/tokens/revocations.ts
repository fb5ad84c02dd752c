import type { Caller } from '../http/context.ts';

/** What was revoked by one act: a row of the table `revocations`, in every service. */
export type Revocation = {
  /** Auth's own number for it. Not in the order of commits. */
  seq: number;
  userId: string;
  /** Sessions that are dead. */
  sessionIds: string[];
  /** Tokens signed for an earlier generation of the user are outdated; null when none is. */
  minGeneration: number | null;
  /** Signing keys that have leaked: no token of theirs counts any more. */
  kids?: string[] | undefined;
  /** No token that it concerns lives longer. */
  expiresAt: Date;
};

/** A dead session never comes back; who holds an outdated token gets a fresh one and goes on. */
export type Verdict = 'dead' | 'outdated';

/** A revocation is remembered for so long after the last token concerned has run out: clocks differ. */
export const REVOCATION_SKEW_SECONDS = 60;

const MAX_REMEMBERED = 250_000;

export type Revocations = {
  /** Takes revocations in, in any order and as often as they come; listeners hear whose they are. */
  add(rows: readonly Revocation[]): void;
  has(seq: number): boolean;
  /** What is wrong with a token that was good when it was signed; undefined when nothing is. */
  verdict(
    caller: Pick<Caller, 'userId' | 'sessionId' | 'version' | 'expiresAt' | 'kid'>,
  ): Verdict | undefined;
  /** True for a signing key that has leaked. */
  isLeaked(kid: string): boolean;
  /** Called with the user, at once when this process learns of it. */
  onRevoked(listener: (userId: string) => void): void;
  /** Forgets what has run out. */
  sweep(now?: number): void;
  /** How many dead sessions and outdated users are remembered. */
  size(): number;
};

type Generation = { min: number; until: number };

/**
 * What this process knows of revoked tokens, in memory: asked at every request, without waiting. Past the bound
 * nothing is let through for want of room: every token as old as the ones forgotten counts as outdated, and its
 * holder fetches a fresh one.
 */
export function createRevocations(max = MAX_REMEMBERED): Revocations {
  const sessions = new Map<string, number>();
  const generations = new Map<string, Generation>();
  const known = new Map<number, number>();
  const leaked = new Map<string, number>();
  const listeners: ((userId: string) => void)[] = [];
  /** Tokens that run out by then, seconds since 1970, are outdated. */
  let floor = 0;

  function addOne({ seq, userId, sessionIds, minGeneration, kids = [], expiresAt }: Revocation): void {
    const until = expiresAt.getTime();
    known.set(seq, until);
    for (const kid of kids) leaked.set(kid, until);
    for (const id of sessionIds) sessions.set(id, Math.max(until, sessions.get(id) ?? 0));
    if (minGeneration === null) return;
    const before = generations.get(userId);
    generations.set(userId, {
      min: Math.max(minGeneration, before?.min ?? 0),
      until: Math.max(until, before?.until ?? 0),
    });
  }

  /** Maps keep the order in which keys came, which is nearly that in which they run out. */
  function makeRoom(): void {
    for (const [id, until] of sessions) {
      if (sessions.size <= max) break;
      sessions.delete(id);
      raiseFloor(until);
    }
    for (const [id, { until }] of generations) {
      if (generations.size <= max) break;
      generations.delete(id);
      raiseFloor(until);
    }
    // Long gone from every key set.
    for (const kid of leaked.keys()) {
      if (leaked.size <= max) break;
      leaked.delete(kid);
    }
    for (const seq of known.keys()) {
      if (known.size <= max) break;
      known.delete(seq);
    }
  }

  function raiseFloor(until: number): void {
    floor = Math.max(floor, until / 1000 - REVOCATION_SKEW_SECONDS);
  }

  return {
    add(rows) {
      for (const row of rows) addOne(row);
      makeRoom();
      for (const userId of new Set(rows.map((row) => row.userId))) {
        for (const listener of listeners) listener(userId);
      }
    },
    has: (seq) => known.has(seq),
    isLeaked: (kid) => leaked.has(kid),
    verdict({ userId, sessionId, version, expiresAt, kid }) {
      if (sessions.has(sessionId)) return 'dead';
      if (kid !== undefined && leaked.has(kid)) return 'outdated';
      const generation = generations.get(userId);
      if (generation !== undefined && version < generation.min) return 'outdated';
      return expiresAt <= floor ? 'outdated' : undefined;
    },
    onRevoked(listener) {
      listeners.push(listener);
    },
    sweep(now = Date.now()) {
      for (const [id, until] of sessions) if (until < now) sessions.delete(id);
      for (const [id, { until }] of generations) if (until < now) generations.delete(id);
      for (const [kid, until] of leaked) if (until < now) leaked.delete(kid);
      for (const [seq, until] of known) if (until < now) known.delete(seq);
    },
    size: () => sessions.size + generations.size,
  };
}
