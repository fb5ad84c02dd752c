import { ROLES } from '@tertulia/shared/http/context';
import { index, integer, jsonb, pgEnum, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const role = pgEnum('role', ROLES);

const instant = () => timestamp({ withTimezone: true });

export const users = pgTable('users', {
  id: uuid().primaryKey(),
  username: text().notNull(),
  /** Lower case and NFKC: what must be unique. */
  usernameKey: text().notNull().unique('users_username_key'),
  email: text().notNull(),
  emailKey: text().notNull().unique('users_email_key'),
  passwordHash: text().notNull(),
  displayName: text(),
  bio: text(),
  locale: text().notNull().default('en'),
  role: role().notNull().default('USER'),
  /** Grows with every change that must end the access tokens signed before it. */
  generation: integer().notNull().default(0),
  createdAt: instant().notNull().defaultNow(),
  updatedAt: instant().notNull().defaultNow(),
});

/** One sign-in on one device: a family of refresh tokens, of which one is unused. */
export const sessions = pgTable(
  'sessions',
  {
    id: uuid().primaryKey(),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    userAgent: text(),
    address: text().notNull(),
    createdAt: instant().notNull().defaultNow(),
    lastUsedAt: instant().notNull().defaultNow(),
    expiresAt: instant().notNull(),
    revokedAt: instant(),
  },
  (table) => [index('sessions_user').on(table.userId, table.id)],
);

/** Only hashes: what a client holds cannot be read from here. */
export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    hash: text().primaryKey(),
    sessionId: uuid()
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    usedAt: instant(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [index('refresh_tokens_session').on(table.sessionId)],
);

/** Key pairs for access tokens; the newest signs, older ones still verify. */
export const signingKeys = pgTable('signing_keys', {
  kid: text().primaryKey(),
  publicJwk: jsonb().notNull(),
  /** The private JWK, encrypted with `AUTH_SECRET`: base64url of nonce and AES-256-GCM ciphertext. */
  sealedPrivateJwk: text().notNull(),
  createdAt: instant().notNull().defaultNow(),
});

/** Stands in for `AUTH_SECRET` in development, so that nothing has to be configured. */
export const developmentSecrets = pgTable('development_secrets', {
  name: text().primaryKey(),
  value: text().notNull(),
});
