/** Chance that a seed repeats: a failure found once can be found again. */
export type Random = {
  /** From 0 up to, not including, `n`. */
  int(n: number): number;
  chance(share: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
};

/** Numbers by mulberry32; `salt` gives each test a row of its own. */
export function createRandom(seed: number, salt = ''): Random {
  let state = Number(Bun.hash.wyhash(salt, BigInt(seed)) & 0xffff_ffffn);
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const int = (n: number) => Math.floor(next() * n);
  return {
    int,
    chance: (share) => next() < share,
    pick(items) {
      const item = items[int(items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
  };
}
