import { commonEnv, databaseUrl, port, redis, tokenEnv } from '@tertulia/shared/config/common';
import { integer } from '@tertulia/shared/config/env';
import { z } from 'zod';

export const authEnv = commonEnv.extend(tokenEnv.omit({ AUTH_URL: true }).shape).extend({
  AUTH_PORT: port(5900, 'auth'),
  AUTH_DATABASE_URL: databaseUrl('auth'),
  AUTH_REDIS_URL: redis(
    'Redis for rate limits, and for when sessions were last used. Unset: they are kept in memory, for one replica.',
  ),
  AUTH_SECRET: z
    .string()
    .min(32, 'must be at least 32 characters long')
    .optional()
    .describe('Encrypts private keys and derives refresh tokens. Mandatory in production.'),
  ADMIN_EMAIL: z.email().optional().describe('E-mail of the first administrator, made at start.'),
  ADMIN_PASSWORD: z.string().min(8).max(128).optional().describe('Password of the first administrator.'),
  ACCESS_TOKEN_SECONDS: integer(5, 86_400).default(900).describe('Life of an access token.'),
  SESSION_DAYS: integer(1, 365).default(30).describe('Life of a session that is not used.'),
  SESSIONS_PER_USER: integer(1, 10_000)
    .default(100)
    .describe('Living sessions of one user; beyond that the oldest ends.'),
  LOGIN_FAILURES_PER_ACCOUNT: integer(1, 1000)
    .default(5)
    .describe('Wrong passwords for one account per window.'),
  LOGIN_FAILURES_PER_ADDRESS: integer(1, 100_000)
    .default(20)
    .describe('Wrong passwords from one address per window.'),
  LOGIN_WINDOW_SECONDS: integer(1, 86_400).default(900).describe('Window of the two limits above.'),
  PASSWORD_MEMORY_KIB: integer(1024, 4_194_304)
    .default(65_536)
    .describe(
      'Memory of one password hash (argon2id), KiB; as many are made at once as there are cores. Hashes made with other values are made anew at the next sign-in.',
    ),
  PASSWORD_PASSES: integer(1, 100).default(2).describe('Passes over that memory.'),
  MFA_FAILURES_PER_ACCOUNT: integer(1, 1000).default(10).describe('Wrong codes for one account per window.'),
  PASSKEY_CHALLENGES_PER_MINUTE: integer(1, 100_000)
    .default(60)
    .describe('Times that one address may begin to add a passkey or to sign in with one.'),
  MAILS_PER_ACCOUNT_PER_HOUR: integer(1, 1000)
    .default(5)
    .describe('Mails for a forgotten password or a verification to one account.'),
  MAILS_PER_ADDRESS_PER_HOUR: integer(1, 100_000)
    .default(50)
    .describe('Requests for such mails from one address.'),
  REQUIRE_ADMIN_MFA: z.stringbool().default(false).describe('Administrators must use a second factor.'),
  KEY_ROTATION_DAYS: integer(1, 3650).default(90).describe('Age at which a new signing key takes over.'),
  KEY_LEAD_SECONDS: integer(0, 86_400)
    .default(600)
    .describe(
      'Time for which a new signing key is published before it signs, so that every verifier has it.',
    ),
  DELETION_DAYS: integer(0, 365)
    .default(7)
    .describe('Days in which an account that its owner has ended can be restored.'),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe(
      'SMTP server for mail, such as `smtp://user:password@mail:587`. Unset in development: to the log.',
    ),
  MAIL_FROM: z.string().default('Tertulia <no-reply@localhost>').describe('Sender of mail.'),
  WEB_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:8080')
    .describe('Address of the front end: links in mail lead there, and passkeys belong to its host.'),
  REGISTRATIONS_PER_HOUR: integer(1, 100_000).default(100).describe('New accounts from one address.'),
  AUDIT_PERSONAL_DAYS: integer(1, 3650)
    .default(365)
    .describe(
      'Days in which the audit log keeps addresses, devices and e-mails; what happened stays for ever.',
    ),
  EXPORTS_PER_HOUR: integer(1, 1000).default(10).describe('Exports of one account.'),
});

export type AuthEnv = z.infer<typeof authEnv>;
