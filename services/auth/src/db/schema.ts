import { ROLES } from '@tertulia/shared/http/context';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

export const role = pgEnum('role', ROLES);

const instant = () => timestamp({ withTimezone: true });

export const users = pgTable(
  'users',
  {
    id: uuid().primaryKey(),
    username: text().notNull(),
    /** Lower case and NFKC: what must be unique. */
    usernameKey: text().notNull().unique('users_username_key'),
    email: text().notNull(),
    emailKey: text().notNull().unique('users_email_key'),
    /** Set once the address has been shown to be the user's. */
    emailVerifiedAt: instant(),
    passwordHash: text().notNull(),
    displayName: text(),
    bio: text(),
    locale: text().notNull().default('en'),
    role: role().notNull().default('USER'),
    /** Grows with every change that must end the access tokens signed before it. */
    generation: integer().notNull().default(0),
    suspendedAt: instant(),
    /** Null while suspended: until somebody ends it. */
    suspendedUntil: instant(),
    suspensionReason: text(),
    suspendedBy: uuid(),
    /** The account was ended by its owner and goes for good then, unless it is restored. */
    deleteAt: instant(),
    createdAt: instant().notNull().defaultNow(),
    updatedAt: instant().notNull().defaultNow(),
  },
  (table) => [
    index('users_delete_at').on(table.deleteAt).where(sql`${table.deleteAt} is not null`),
    index('users_suspended_until').on(table.suspendedUntil).where(sql`${table.suspendedUntil} is not null`),
  ],
);

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
    /** Why it ended: `logout`, `reuse`, `password_changed`, …; null while it lives. */
    revokedReason: text(),
    /** Whether a second factor, or a passkey, was shown at sign-in. */
    mfa: boolean().notNull().default(false),
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
    /** The how manieth of its session. */
    place: integer().notNull().default(0),
    usedAt: instant(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [index('refresh_tokens_session').on(table.sessionId, table.place)],
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

/** Browsers and devices that have signed in before, by the hash of a cookie that only they hold. */
export const knownDevices = pgTable(
  'known_devices',
  {
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    hash: text().notNull(),
    createdAt: instant().notNull().defaultNow(),
    lastUsedAt: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.hash] })],
);

export const TOKEN_PURPOSES = ['verify_email', 'reset_password', 'change_email', 'mfa'] as const;
export const tokenPurpose = pgEnum('token_purpose', TOKEN_PURPOSES);

/** What a mail or a first step of a sign-in lets its holder do, once and not for long. Only hashes. */
export const oneTimeTokens = pgTable(
  'one_time_tokens',
  {
    hash: text().primaryKey(),
    purpose: tokenPurpose().notNull(),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** The address it was sent to, or the new one that it confirms. */
    email: text(),
    /** Wrong codes given with it, where it takes one. */
    failures: integer().notNull().default(0),
    expiresAt: instant().notNull(),
    usedAt: instant(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [
    index('one_time_tokens_user').on(table.userId, table.purpose),
    index('one_time_tokens_expires').on(table.expiresAt),
  ],
);

/** Mails that wait to be sent; written in the transaction that wants them, gone when they are out. */
export const mails = pgTable(
  'mails',
  {
    id: uuid().primaryKey(),
    /** Recipient, template and what it is filled with: encrypted, as there are tokens in it. */
    sealed: text().notNull(),
    attempts: integer().notNull().default(0),
    dueAt: instant().notNull().defaultNow(),
    createdAt: instant().notNull().defaultNow(),
  },
  (table) => [index('mails_due').on(table.dueAt)],
);

/** A secret for codes of the moment (RFC 6238); it counts once a first code has confirmed it. */
export const totpFactors = pgTable('totp_factors', {
  userId: uuid()
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  sealedSecret: text().notNull(),
  confirmedAt: instant(),
  /** The step of the last code taken: no code works twice. */
  lastStep: bigint({ mode: 'number' }).notNull().default(0),
  createdAt: instant().notNull().defaultNow(),
});

export const recoveryCodes = pgTable(
  'recovery_codes',
  {
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    hash: text().notNull(),
    usedAt: instant(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.hash] })],
);

/** WebAuthn credentials: public keys of what signs in without a password. */
export const passkeys = pgTable(
  'passkeys',
  {
    /** Base64url, as the authenticator gave it. */
    id: text().primaryKey(),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** COSE key, base64url. */
    publicKey: text().notNull(),
    counter: bigint({ mode: 'number' }).notNull(),
    transports: text().array().notNull(),
    name: text().notNull(),
    createdAt: instant().notNull().defaultNow(),
    lastUsedAt: instant(),
  },
  (table) => [index('passkeys_user').on(table.userId)],
);

/** What an authenticator has to sign: once, and soon. */
export const challenges = pgTable(
  'challenges',
  {
    id: uuid().primaryKey(),
    /** Who registers a passkey; null for a sign-in. */
    userId: uuid().references(() => users.id, { onDelete: 'cascade' }),
    challenge: text().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [index('challenges_expires').on(table.expiresAt)],
);

/** Every security event, append-only. What could name a person beyond ids is in {@link auditPersonal}. */
export const auditEvents = pgTable(
  'audit_events',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: instant().notNull(),
    action: text().notNull(),
    /** Who did it; null for the system and for nobody known. */
    actorId: uuid(),
    /** Whom it concerns. No foreign key: it outlives the account. */
    userId: uuid(),
    sessionId: uuid(),
    before: jsonb().$type<Record<string, unknown>>(),
    after: jsonb().$type<Record<string, unknown>>(),
    /** Salted hash of the personal data: they can be erased without breaking the seal. */
    personalHash: text(),
    /** The batch it was sealed with; null until then. The database refuses every other change of a row. */
    sealId: bigint({ mode: 'number' }),
  },
  (table) => [
    index('audit_events_user').on(table.userId, table.id),
    index('audit_events_action').on(table.action, table.id),
    index('audit_events_seal').on(table.sealId, table.id),
  ],
);

/** Address, device and mail of an audited event; erased with the account. */
export const auditPersonal = pgTable(
  'audit_personal',
  {
    eventId: bigint({ mode: 'number' }).primaryKey(),
    /** Whose they are: who acted or, when nobody known did, whom it concerns. */
    userId: uuid(),
    salt: text().notNull(),
    address: text(),
    userAgent: text(),
    email: text(),
  },
  (table) => [index('audit_personal_user').on(table.userId)],
);

/** A chain of keyed HMACs over batches of audited events: a changed or missing row breaks it. */
export const auditSeals = pgTable('audit_seals', {
  id: bigint({ mode: 'number' }).primaryKey(),
  count: integer().notNull(),
  firstId: bigint({ mode: 'number' }).notNull(),
  lastId: bigint({ mode: 'number' }).notNull(),
  /** Id and SHA-256 of each row, so that the one at fault can be named. */
  rows: jsonb().$type<[id: number, hash: string][]>().notNull(),
  /** HMAC-SHA-256 over the seal before and all of the above, base64url. */
  seal: text().notNull(),
  createdAt: instant().notNull().defaultNow(),
});
