import type { Tx } from '../db/database.ts';
import { EVENTS, type EventOf, type EventType, isKnown } from './catalog.ts';
import type { AfterCommit, BatchConsumer, Consumer, Consumers } from './consumers.ts';
import type { Envelope } from './envelope.ts';

/** Parses an event and runs its function; types that nobody here listens to pass by. */
export async function handle(
  consumers: Consumers,
  tx: Tx,
  envelope: Envelope,
  after: AfterCommit,
): Promise<void> {
  if (!isKnown(envelope.type)) return;
  await consumers[envelope.type]?.(tx, parseData(envelope, envelope.type) as never, after);
}

/**
 * The same for many: events of one subject in their order, subjects side by side on one connection. Rejects
 * with the first failure, once all have come to rest.
 */
export async function handleAll(
  consumers: Consumers,
  tx: Tx,
  envelopes: readonly Envelope[],
  after: AfterCommit,
): Promise<void> {
  for (const step of inSteps(envelopes)) {
    const byType = Map.groupBy(step, ({ type }) => type);
    const work = [...byType].flatMap(([type, those]) => workOf(consumers, tx, type, those, after));
    const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}

/** What is to be done for events of one type: one call for all, or one row of calls for each subject. */
function workOf(
  consumers: Consumers,
  tx: Tx,
  type: string,
  envelopes: readonly Envelope[],
  after: AfterCommit,
): Promise<void>[] {
  if (!isKnown(type)) return [];
  const consume = consumers[type] as Consumer<EventType> | undefined;
  if (consume?.together !== undefined) return [atOnce(consume.together)];
  return [...Map.groupBy(envelopes, ({ subject }) => subject).values()].map(inTurn);

  async function atOnce(consumeAll: BatchConsumer<EventType>): Promise<void> {
    const events = envelopes.map((envelope) => parseData(envelope, type as EventType));
    await consumeAll(tx, events, after);
  }
  async function inTurn(those: readonly Envelope[]): Promise<void> {
    for (const envelope of those) await handle(consumers, tx, envelope, after);
  }
}

/** Splits events so that, within a step, those of one subject are all of one type. */
function inSteps(envelopes: readonly Envelope[]): Envelope[][] {
  const steps: Envelope[][] = [];
  const latest = new Map<string, { type: string; step: number }>();
  for (const envelope of envelopes) {
    const { subject, type } = envelope;
    const before = latest.get(subject);
    const step = before === undefined ? 0 : before.step + (before.type === type ? 0 : 1);
    latest.set(subject, { type, step });
    steps[step] ??= [];
    steps[step].push(envelope);
  }
  return steps;
}

function parseData<Type extends EventType>(envelope: Envelope, type: Type): EventOf<Type> {
  return { ...envelope, data: EVENTS[type].data.parse(envelope.data) } as EventOf<Type>;
}

/** The cause in one line, without SQL or parameters. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 500);
  if (error.name === 'DrizzleQueryError' && error.cause) return describe(error.cause);
  return `${error.name}: ${error.message}`.slice(0, 500);
}
