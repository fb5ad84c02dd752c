import type { Tx } from '../db/database.ts';
import { EVENTS, type EventOf, type EventType, isKnown } from './catalog.ts';
import type { AfterCommit, Consumer, Consumers } from './consumers.ts';
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
    const outcomes = await Promise.allSettled(
      [...Map.groupBy(step, ({ type }) => type)].flatMap(([type, those]) => {
        const consume = isKnown(type) ? (consumers[type] as Consumer<EventType> | undefined) : undefined;
        if (consume?.together !== undefined) return [runTogether(consume.together, those)];
        const subjects = consume === undefined ? [] : Map.groupBy(those, ({ subject }) => subject).values();
        return [...subjects].map(async (events) => {
          for (const event of events) await handle(consumers, tx, event, after);
        });
      }),
    );
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }

  async function runTogether(consume: NonNullable<Consumer<EventType>['together']>, those: Envelope[]) {
    await consume(
      tx,
      those.map((envelope) => parseData(envelope, envelope.type as EventType)),
      after,
    );
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
