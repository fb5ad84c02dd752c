import { Problem } from '@tertulia/shared/http/problem';
import type { Deps } from '../deps.ts';
import { hashOf } from '../keys/seal.ts';

/**
 * Bounds mails that anyone may ask for. Too many from one address are refused; too many for one account are
 * left unsent without a word, which would tell who has one: false.
 *
 * @throws {Problem} `rate_limited`
 */
export function createMailLimit({ env, limits }: Pick<Deps, 'env' | 'limits'>, what: string) {
  const rule = (by: string, points: number) => limits({ name: `${what}-${by}`, points, seconds: 3600 });
  const byAddress = rule('address', env.MAILS_PER_ADDRESS_PER_HOUR);
  const byAccount = rule('account', env.MAILS_PER_ACCOUNT_PER_HOUR);
  return async (address: string, account: string): Promise<boolean> => {
    await byAddress.consume(address);
    try {
      await byAccount.consume(hashOf(account));
      return true;
    } catch (error) {
      if (error instanceof Problem && error.code === 'rate_limited') return false;
      throw error;
    }
  };
}
