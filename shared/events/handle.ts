import type { Tx } from '../db/database.ts';
import { EVENTS, isKnown } from './catalog.ts';
import type { AfterCommit, Consumers } from './consumers.ts';
import type { Envelope } from './envelope.ts';

/** Parses an event and runs its function; types that nobody here listens to pass by. */
export async function handle(
  consumers: Consumers,
  tx: Tx,
  envelope: Envelope,
  after: AfterCommit,
): Promise<void> {
  if (!isKnown(envelope.type)) return;
  const consume = consumers[envelope.type];
  if (consume === undefined) return;
  const data = EVENTS[envelope.type].data.parse(envelope.data);
  await consume(tx, { ...envelope, data } as never, after);
}

/** The cause in one line, without SQL or parameters. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 500);
  if (error.name === 'DrizzleQueryError' && error.cause) return describe(error.cause);
  return `${error.name}: ${error.message}`.slice(0, 500);
}
