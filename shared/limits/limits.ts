import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { Problem } from '../http/problem.ts';

/** `points` acts per `seconds`. */
export type Rule = { name: string; points: number; seconds: number };

/** How far a key has come in its window: acts counted, and acts left. */
export type Spent = { used: number; left: number };

export type Limit = {
  /** Counts one act. @throws {Problem} `rate_limited` with `Retry-After` and `RateLimit-*`. */
  consume(key: string): Promise<Spent>;
  /** Refuses where {@link consume} would, and counts nothing. @throws {Problem} `rate_limited` */
  check(key: string): Promise<void>;
  /** Takes one act back. */
  undo(key: string): Promise<void>;
  /** Forgets a key. */
  reset(key: string): Promise<void>;
};

export type Limits = (rule: Rule) => Limit;

/**
 * Rate limits by `rate-limiter-flexible`: on Redis when there is one, shared by all replicas, with an
 * in-memory limiter of the same size for when it is lost, which neither opens the gates nor shuts them.
 */
export function createLimits({ redis, scale }: { redis?: Redis | undefined; scale: number }): Limits {
  return ({ name, points, seconds }) => {
    const rule = { keyPrefix: `limit:${name}`, points: Math.ceil(points * scale), duration: seconds };
    const memory = new RateLimiterMemory(rule);
    const limiter =
      redis === undefined
        ? memory
        : new RateLimiterRedis({
            ...rule,
            storeClient: redis,
            insuranceLimiter: memory,
            useRedisPackage: false,
          });

    const refuse = (state: RateLimiterRes): never => {
      const seconds = Math.max(1, Math.ceil(state.msBeforeNext / 1000));
      throw new Problem('rate_limited', `Try again in ${seconds} s.`, {
        headers: {
          'Retry-After': String(seconds),
          'RateLimit-Limit': String(rule.points),
          'RateLimit-Remaining': '0',
          'RateLimit-Reset': String(seconds),
        },
      });
    };

    return {
      async consume(key) {
        try {
          const { consumedPoints, remainingPoints } = await limiter.consume(key);
          return { used: consumedPoints, left: remainingPoints };
        } catch (error) {
          if (error instanceof RateLimiterRes) refuse(error);
          throw error;
        }
      },
      async check(key) {
        const state = await limiter.get(key);
        if (state !== null && state.consumedPoints >= rule.points && state.msBeforeNext > 0) refuse(state);
      },
      async undo(key) {
        await limiter.reward(key, 1);
      },
      async reset(key) {
        await limiter.delete(key);
      },
    };
  };
}
