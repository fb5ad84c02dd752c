import type { Db } from '@tertulia/shared/db/database';
import { toUser, type UserRow } from '../accounts/accounts.schema.ts';
import { toAuditEvent } from '../audit/audit.schema.ts';
import {
  exportedAudit,
  exportedDevices,
  exportedPasskeys,
  exportedSessions,
  findFactors,
} from './export.repository.ts';

/**
 * All that auth holds of a user, as JSON in pieces: whatever there is of it, a page at a time is in memory.
 * Nothing in it lets anybody sign in: no hash, no secret, no key.
 */
export async function* exportOf(db: Db, user: UserRow): AsyncGenerator<string> {
  const { totp, recoveryCodes } = await findFactors(db, user.id);
  const head = {
    exportedAt: new Date().toISOString(),
    user: { ...toUser(user), emailVerifiedAt: user.emailVerifiedAt?.toISOString() ?? null },
    totp: totp === undefined ? null : { since: totp.createdAt.toISOString(), confirmed: totp.confirmed },
    recoveryCodes,
  };
  yield JSON.stringify(head).slice(0, -1);
  yield* list('passkeys', exportedPasskeys(db, user.id), (row) => ({
    name: row.name,
    transports: row.transports,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  }));
  yield* list('devices', exportedDevices(db, user.id), (row) => ({
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
  }));
  yield* list('sessions', exportedSessions(db, user.id), (row) => ({
    id: row.id,
    device: row.userAgent,
    address: row.address,
    mfa: row.mfa,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString() ?? null,
    revokedReason: row.revokedReason,
  }));
  yield* list('audit', exportedAudit(db, user.id), (row) => {
    // Who acted on the user left an address of their own: that is not the user's to have.
    const own = row.personal?.userId === user.id ? row.personal : null;
    return toAuditEvent({ event: row.event, personal: own });
  });
  yield '}';
}

async function* list<Row>(name: string, pages: AsyncIterable<Row[]>, present: (row: Row) => unknown) {
  yield `,${JSON.stringify(name)}:[`;
  let first = true;
  for await (const page of pages) {
    if (page.length === 0) continue;
    const items = page.map((row) => JSON.stringify(present(row))).join(',');
    yield first ? items : `,${items}`;
    first = false;
  }
  yield ']';
}
