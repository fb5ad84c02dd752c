import { Problem } from '@tertulia/shared/http/problem';
import { audit } from '../audit/audit.ts';
import type { Deps } from '../deps.ts';
import { revokeKeys } from '../revocation/revoke.ts';
import { makeKeyPair } from './key-pair.ts';
import { timesOf } from './key-times.ts';
import { deleteKeys, insertKey, type KeyRow, lockKeys } from './keys.repository.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Verifiers hold a bounded number of keys; ours 32. */
const MAX_KEYS = 8;

type KeyDeps = Pick<Deps, 'db' | 'env' | 'keys' | 'secrets'>;

/**
 * Makes a new key, which takes over once it has been published for `KEY_LEAD_SECONDS`.
 *
 * @throws {Problem} `conflict` when too many keys are published already.
 */
export async function rotateKeys(deps: KeyDeps, actorId: string): Promise<{ kid: string; signsFrom: Date }> {
  const made = await deps.db.transaction(async (tx) => {
    const living = await dropRetired(tx, deps.keys, await lockKeys(tx));
    if (living.length >= MAX_KEYS) {
      throw new Problem('conflict', `${MAX_KEYS} keys are published; wait until the oldest one is gone.`);
    }
    return addKey(tx, deps, living, actorId);
  });
  await deps.keys.reload();
  return { kid: made.kid, signsFrom: new Date(made.createdAt.getTime() + deps.env.KEY_LEAD_SECONDS * 1000) };
}

/**
 * After a leak: every key goes, and a new one signs at once. Tokens of theirs are refused by every service
 * within two seconds; who holds a refresh token gets another.
 */
export async function replaceKeys(deps: KeyDeps, actorId: string): Promise<{ kid: string; signsFrom: Date }> {
  const made = await deps.db.transaction(async (tx) => {
    const kids = (await lockKeys(tx)).map(({ kid }) => kid);
    await deleteKeys(tx, kids);
    const key = await insertKey(tx, await makeKeyPair(deps.secrets.sealing));
    await revokeKeys(tx, kids, actorId);
    const about = { action: 'keys.revoked', actorId, userId: null } as const;
    await audit(tx, { ...about, before: { kids }, after: { kid: key.kid } });
    return key;
  });
  await deps.keys.reload();
  // The only key there is waits for nothing.
  return { kid: made.kid, signsFrom: made.createdAt };
}

/**
 * What time asks for: a new key when the newest is `KEY_ROTATION_DAYS` old, and an end to keys whose last
 * token has run out. Under a lock, so that of many replicas one does it.
 */
export async function tendKeys(deps: KeyDeps): Promise<void> {
  await deps.db.transaction(async (tx) => {
    const living = await dropRetired(tx, deps.keys, await lockKeys(tx));
    const age = Date.now() - (living.at(-1)?.createdAt.getTime() ?? 0);
    if (age > deps.env.KEY_ROTATION_DAYS * 86_400_000) await addKey(tx, deps, living, null);
  });
  await deps.keys.reload();
}

type Tx = Parameters<typeof lockKeys>[0];

async function addKey(tx: Tx, { secrets }: KeyDeps, living: readonly KeyRow[], actorId: string | null) {
  const made = await insertKey(tx, await makeKeyPair(secrets.sealing));
  await audit(tx, {
    action: 'keys.rotated',
    actorId,
    userId: null,
    before: { kid: living.at(-1)?.kid ?? null },
    after: { kid: made.kid },
  });
  return made;
}

async function dropRetired(tx: Tx, { policy }: SigningKeys, rows: readonly KeyRow[]): Promise<KeyRow[]> {
  const times = timesOf(
    rows.map(({ createdAt }) => createdAt),
    policy,
  );
  const isRetired = (_: KeyRow, at: number) => (times[at]?.retiresAt ?? 0) <= Date.now();
  const retired = rows.filter(isRetired);
  await deleteKeys(
    tx,
    retired.map(({ kid }) => kid),
  );
  return rows.filter((row) => !retired.includes(row));
}
