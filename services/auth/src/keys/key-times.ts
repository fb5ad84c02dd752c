/** When a key begins to sign, and when the last token that it signed has run out. */
export type KeyTimes = { signsFrom: number; retiresAt: number };

export type KeyPolicy = {
  /** Time for which a key is published before it signs. */
  leadSeconds: number;
  /** Longest life of a token. */
  lifeSeconds: number;
};

/** Clocks of two replicas, and how long one of them may not have heard of a new key: see `STALE_MS`. */
const MARGIN_MS = 120_000;

/**
 * The times of key pairs, oldest first, in milliseconds. Every verifier must hold a key before it meets a
 * token signed with it, and some refuse what they do not know without looking again: `jose` within 30 s of
 * its last look, a cache of the key set within its `max-age`, our own services while auth is away. So a key is
 * published at once and signs after the lead, which by default is longer than any of them keeps a key set.
 * The key before it stays published until its last token has run out.
 */
export function timesOf(createdAt: readonly Date[], { leadSeconds, lifeSeconds }: KeyPolicy): KeyTimes[] {
  const starts = createdAt.map((at) => at.getTime() + leadSeconds * 1000);
  return starts.map((signsFrom, at) => {
    const successor = starts[at + 1];
    const retiresAt =
      successor === undefined ? Number.POSITIVE_INFINITY : successor + lifeSeconds * 1000 + MARGIN_MS;
    return { signsFrom, retiresAt };
  });
}

/** The newest key whose time has come; before that the oldest there is, as nobody knows an older one. */
export function signerOf<Key extends KeyTimes>(keys: readonly Key[], now: number): Key | undefined {
  return keys.findLast(({ signsFrom }) => signsFrom <= now) ?? keys[0];
}
