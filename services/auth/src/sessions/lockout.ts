import type { Limit, Limits, Spent } from '@tertulia/shared/limits/limits';
import type { AuthEnv } from '../env.ts';
import { hashOf } from '../keys/seal.ts';

/** Where an attempt comes from, and at which account it aims. */
export type Aim = {
  /** What was typed, as a key: an account that does not exist is locked like one that does. */
  account: string;
  address: string;
  /** Hash of a device token that this account knows; undefined for strangers. */
  device: string | undefined;
};

/** A failure: the first of its window, and the one after which nothing more is tried. */
export type Failure = { first: boolean; locks: boolean };

export type Lockout = {
  /**
   * Runs `prove`, which calls `turn` right before it looks at the password. Each attempt is counted from
   * then on, so that parallel guesses count, and taken back when it was right or came to nothing. Where others
   * of this process are still being looked at, one too many waits for them: they may turn out to be right.
   *
   * @returns undefined when it was right. @throws {Problem} `rate_limited`
   */
  attempt(aim: Aim, prove: (turn: () => Promise<void>) => Promise<boolean>): Promise<Failure | undefined>;
  /** The same for who is signed in: strangers who lock the account do not lock its owner's session. */
  confirm(
    aim: { account: string; sessionId: string },
    prove: (turn: () => Promise<void>) => Promise<boolean>,
  ): Promise<Failure | undefined>;
  /** An account may be tried again, as its owner has shown to be it in another way. */
  lift(account: string): Promise<void>;
};

type Budget = { limit: Limit; key: string };
type Attempt = { keys: string[]; decided: Promise<void>; isDecided: boolean };
type Prove = (turn: () => Promise<void>) => Promise<boolean>;

/**
 * Failures per account and per address, in windows that end by themselves and that no further attempt
 * prolongs. A device that the account knows has a budget of its own, instead of both: whatever strangers do,
 * it can be signed in from there.
 */
export function createLockout({ env, limits }: { env: AuthEnv; limits: Limits }): Lockout {
  const budget = (name: string, points: number) =>
    limits({ name: `login-${name}`, points, seconds: env.LOGIN_WINDOW_SECONDS });
  const byAccount = budget('account', env.LOGIN_FAILURES_PER_ACCOUNT);
  const byAddress = budget('address', env.LOGIN_FAILURES_PER_ADDRESS);
  const byDevice = budget('device', env.LOGIN_FAILURES_PER_ACCOUNT);
  const bySession = budget('session', env.LOGIN_FAILURES_PER_ACCOUNT);

  /** Attempts that count and are not yet known to be right or wrong: as many as hashes at once, at most. */
  const undecided = new Set<Attempt>();
  const rivalsFor = ({ key }: Budget) => [...undecided].filter(({ keys }) => keys.includes(key));

  /**
   * Counts an attempt on every budget, or on none. Comes to an end: with a budget that is spent nobody gets in,
   * so that those who are waited for become fewer.
   */
  async function spend(budgets: readonly Budget[], attempt: Attempt): Promise<Spent[]> {
    const spent: Spent[] = [];
    while (spent.length < budgets.length) {
      const budget = budgets[spent.length] as Budget;
      const before = rivalsFor(budget);
      undecided.add(attempt);
      try {
        spent.push(await budget.limit.consume(budget.key));
      } catch (error) {
        undecided.delete(attempt);
        const counted = budgets.slice(0, spent.length + 1);
        await Promise.all(counted.map(({ limit, key }) => limit.undo(key)));
        const rivals = before.filter((rival) => rival.isDecided || undecided.has(rival));
        if (rivals.length === 0) throw error;
        await Promise.race(rivals.map(({ decided }) => decided));
        spent.length = 0;
      }
    }
    return spent;
  }

  async function run([own, ...others]: [Budget, ...Budget[]], prove: Prove): Promise<Failure | undefined> {
    const budgets = [own, ...others];
    // Refused before they queue for hashing: a flood of them costs next to nothing.
    const open = budgets.filter((budget) => rivalsFor(budget).length === 0);
    await Promise.all(open.map(({ limit, key }) => limit.check(key)));
    let spent: Spent[] = [];
    const { promise: decided, resolve: decide } = Promise.withResolvers<void>();
    const attempt = { keys: budgets.map(({ key }) => key), decided, isDecided: false };
    try {
      const right = await prove(async () => {
        spent = await spend(budgets, attempt);
      });
      const [first] = spent;
      if (!right && first !== undefined) return { first: first.used === 1, locks: first.left === 0 };
      await Promise.all([own.limit.reset(own.key), ...others.map(({ limit, key }) => limit.undo(key))]);
      return undefined;
    } catch (error) {
      if (spent.length > 0) await Promise.all(budgets.map(({ limit, key }) => limit.undo(key)));
      throw error;
    } finally {
      undecided.delete(attempt);
      attempt.isDecided = true;
      decide();
    }
  }

  return {
    attempt({ account, address, device }, prove) {
      if (device !== undefined) return run([{ limit: byDevice, key: device }], prove);
      const own = { limit: byAccount, key: hashOf(account) };
      return run([own, { limit: byAddress, key: address }], prove);
    },
    async confirm({ account, sessionId }, prove) {
      const failure = await run([{ limit: bySession, key: sessionId }], prove);
      // A stolen session guesses on the account's budget as well.
      if (failure !== undefined) await byAccount.consume(hashOf(account)).catch(() => undefined);
      return failure;
    },
    lift: (account) => byAccount.reset(hashOf(account)),
  };
}
