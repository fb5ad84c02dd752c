import { describe, expect, test } from 'bun:test';
import { newPassword, refuseOwnName } from './password-rules.ts';

const refusalOf = (password: string) => newPassword.safeParse(password).error?.issues[0]?.message;

describe('a new password', () => {
  test.each([
    ['8 characters', 'q7 ñ🦊x-k'],
    ['128 characters of four bytes', '🦊'.repeat(128)],
    ['words alone', 'correct horse battery staple'],
    ['digits alone, if not the usual ones', '83920174652'],
    ['another script', 'пароль пароль пароль'],
  ])('may be %s', (_, password) => {
    expect(refusalOf(password)).toBeUndefined();
  });

  test.each([
    ['7 characters', 'q7 ñ🦊x-', 'is shorter than 8 characters'],
    ['8 characters that are 7 after NFKC', 'aaaaaan\u0303', 'is shorter than 8 characters'],
    ['129 characters', 'x'.repeat(129), 'is longer than 128 characters'],
    ['128 characters that are more after NFKC', 'ﬁ'.repeat(128), 'is longer than 128 characters'],
    ['a megabyte', 'x'.repeat(1024 * 1024), 'is longer than 128 characters'],
    ['a NUL inside', 'long enough\0 but', 'contains characters that are not allowed'],
    ['half a character', 'long enough\ud800', 'contains characters that are not allowed'],
    ['a common one', 'password1', 'is one of the most common passwords; choose another'],
    ['a common one in capitals', 'PassWord1', 'is one of the most common passwords; choose another'],
    [
      'a common one in full width',
      'ｐａｓｓｗｏｒｄ１',
      'is one of the most common passwords; choose another',
    ],
  ])('is not %s', (_, password, refusal) => {
    expect(refusalOf(password)).toBe(refusal);
  });
});

describe('a password made of its owner', () => {
  const owner = { username: 'maria.lopez', email: 'Mlopez@example.org' };
  const refused = (password: string) => {
    try {
      refuseOwnName(password, owner, 'newPassword');
      return undefined;
    } catch (error) {
      return (error as { errors: unknown }).errors;
    }
  };

  test.each(['maria.lopez', 'MARIA.LOPEZ1', 'mlopez@example.org', 'mlopezmlopez', 'ＭＬＯＰＥＺ123'])(
    '%s is refused, by name of the field',
    (password) => {
      expect(refused(password)).toEqual([
        { path: 'newPassword', message: expect.stringContaining('username') },
      ]);
    },
  );

  test('one that merely has the name in it is not', () => {
    expect(refused('maria.lopez rides at dawn')).toBeUndefined();
  });
});
