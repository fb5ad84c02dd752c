import { z } from '@hono/zod-openapi';
import { Problem } from '@tertulia/shared/http/problem';
import { dictionary } from '@zxcvbn-ts/language-common';

const MIN = 8;
const MAX = 128;

/** Those that attackers try first, of the lengths that are taken. */
const COMMON = new Set(dictionary['passwords-common'].filter((word) => word.length >= MIN));

/**
 * A password that somebody chooses (NIST SP 800-63B, 5.1.1.2): counted after NFKC, as it is hashed; any
 * characters in any mixture, but none of the well-known ones. A NUL would end it for some readers.
 */
export const newPassword = z
  .string()
  // A bound on the raw text first: what follows walks it.
  .max(1024, { error: `is longer than ${MAX} characters`, abort: true })
  .refine((text) => text.isWellFormed() && !text.includes('\0'), {
    message: 'contains characters that are not allowed',
    abort: true,
  })
  .refine((text) => [...text.normalize('NFKC')].length >= MIN, {
    message: `is shorter than ${MIN} characters`,
    abort: true,
  })
  .refine((text) => [...text.normalize('NFKC')].length <= MAX, {
    message: `is longer than ${MAX} characters`,
    abort: true,
  })
  .refine((text) => !COMMON.has(fold(text)), 'is one of the most common passwords; choose another')
  .openapi({ type: 'string', minLength: MIN, maxLength: MAX, format: 'password' });

type Owner = { username: string; email: string };

/** Why a password is refused that is little more than what everybody knows of its owner. */
export function ownNameRefusal(password: string, owner: Owner): string | undefined {
  const text = fold(password);
  const [local = ''] = fold(owner.email).split('@');
  const names = [fold(owner.email), fold(owner.username), local].filter((name) => name.length >= 2);
  if (names.every((name) => text.replaceAll(name, '').length >= 4)) return undefined;
  return 'is made of your username or e-mail address; choose another';
}

/** @throws {Problem} `invalid_fields`, naming `path`; see {@link ownNameRefusal}. */
export function refuseOwnName(password: string, owner: Owner, path: string): void {
  const message = ownNameRefusal(password, owner);
  if (message === undefined) return;
  throw new Problem('invalid_fields', undefined, { errors: [{ path, message }] });
}

const fold = (text: string) => text.normalize('NFKC').toLowerCase();
