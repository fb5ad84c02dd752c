import { describe, expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { eventually } from '../testing/eventually.ts';
import { describeWith } from '../testing/needs.ts';
import { createRandom, type Random } from '../testing/random.ts';
import { takeNotes } from '../testing/spine.ts';
import { CARRIERS, type CarrierName, type Lab, notesOf, openLab } from '../testing/spine-lab.ts';
import { DEATHS } from '../testing/spine-worker.ts';
import { WHOLE } from '../testing/whole.ts';
import { together } from './consumers.ts';
import { listDeadLetters, replayDeadLetter } from './set-aside.ts';
import { outbox } from './tables.ts';

/** The suite that everybody waits for tries less of the same. */
const PAIRS = WHOLE ? 1000 : 400;
const EVENTS = WHOLE ? 2000 : 800;
const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** One of the two, by the seed, where everybody waits; both in the whole. */
const one: CarrierName = Bun.which('redis-server') !== null && seed % 2 === 0 ? 'Redis' : 'Postgres';
const carriers: readonly CarrierName[] = WHOLE ? CARRIERS : [one];
/** For a machine that has much else to do. */
const TIMEOUT = 300_000;

type Fault = (name: string, run: (lab: Lab, random: Random) => Promise<void>) => void;

/** Declares faults on each carrier, each in a lab of its own that must come to rest afterwards. */
function describeFaults(
  which: string,
  testIt: typeof test,
  on: readonly CarrierName[],
  declare: (fault: Fault) => void,
): void {
  for (const carrier of on) {
    const describeIt = carrier === 'Redis' ? describeWith('redis-server') : describe;
    describeIt(`the event spine on ${carrier} under ${which} (FAULT_SEED=${seed})`, () =>
      declare((name, run) => {
        const body = async () => {
          await using lab = await openLab(carrier);
          await run(lab, createRandom(seed, `${carrier}: ${name}`));
          await lab.settle();
        };
        testIt(name, body, TIMEOUT);
      }),
    );
  }
}

describeFaults('faults of stores and handlers', test, carriers, (fault) => {
  fault(
    `${PAIRS} pairs of transactions that commit in the inverse order of their start`,
    async (lab, random) => {
      lab.relay();
      lab.reader();
      // Each lane has subjects of its own: pairs that wait for each other in a circle would wait for ever.
      await lanes(4, async (subjects) => {
        for (let n = 0; n < PAIRS / 4; n++) await inversePair(lab, random, subjects);
      });
      expect(lab.told()).toBe(2 * PAIRS);
    },
  );

  fault(`a carrier that loses everything, three times in ${EVENTS} events`, async (lab, random) => {
    lab.relay();
    lab.reader();
    const losses = Array.from({ length: 3 }, () => 100 + random.int(EVENTS - 200)).sort((a, b) => b - a);
    await lanes(4, async (subjects) => {
      for (let n = 0; n < EVENTS / 4; n++) {
        await lab.tell(random.pick(subjects));
        if (lab.told() < (losses.at(-1) ?? Number.POSITIVE_INFINITY)) continue;
        losses.pop();
        await lab.loseCarrier();
      }
    });
    expect(losses).toEqual([]);
  });

  fault('a stream that is older than what the outbox still holds', async (lab) => {
    lab.relay();
    lab.reader();
    await lanes(4, async (subjects) => {
      for (const subject of subjects) await lab.tell(subject);
    });
    await lab.settle();
    await lab.producer.db.delete(outbox);
    await lab.stream.drop('auth');
    await lab.stream.append('auth', [{ seq: 1, payload: '{}' }]);
    await lab.tell(Bun.randomUUIDv7());
  });

  fault('poisoned events: others go on, retries and replays keep the order', async (lab, random) => {
    const fates = Array.from({ length: 1001 }, () =>
      random.chance(0.01) ? 'fatal' : random.chance(0.03) ? 'flaky' : 'fine',
    );
    const fateOf = (note: string) => fates[Number(note)];
    const calls = new Map<string, number>();
    let healed = false;
    const fails = (note: string) => {
      if (fateOf(note) === 'fatal') return !healed;
      const count = (calls.get(note) ?? 0) + 1;
      calls.set(note, count);
      // Once with its batch, once alone, once again; then it succeeds, at the third try.
      return fateOf(note) === 'flaky' && count <= 3;
    };
    lab.relay();
    lab.reader({
      'user.registered': together(async (tx, events) => {
        await takeNotes(tx, events);
        const bad = events.find(({ data }) => fails(data.username));
        if (bad !== undefined) throw new Error(`poisoned: ${bad.data.username}`);
      }),
    });
    await lanes(4, async (subjects) => {
      for (let n = 0; n < 250; n++) await lab.tell(random.pick(subjects));
    });

    // Every subject stops right before its first fatal one.
    const expected = new Map<string, string[]>();
    const fatal: string[] = [];
    for (const [subject, notes] of await notesOf(lab.producer)) {
      const at = notes.findIndex((note) => fateOf(note) === 'fatal');
      if (at !== 0) expected.set(subject, at < 0 ? notes : notes.slice(0, at));
      if (at >= 0) fatal.push(notes[at] ?? '');
    }
    await eventually(async () => Bun.deepEquals(await notesOf(lab.consumer), expected), {
      ms: 40_000,
      every: 100,
    });
    const dead = await eventually(async () => {
      const letters = await listDeadLetters(lab.consumer.db, 100);
      return letters.length === fatal.length && letters;
    });
    expect(dead.map(({ error, tries }) => ({ error, tries }))).toEqual(
      dead.map(() => ({ error: expect.stringMatching(/^Error: poisoned: \d+$/), tries: 5 })),
    );
    healed = true;
    for (const { source, seq } of dead) {
      expect(await replayDeadLetter(lab.consumer.db, source, seq)).toBe(true);
    }
  });
});

// Side by side: most of the time these wait for somebody's time limit.
describeFaults('faults of processes and sessions', test.concurrent as typeof test, carriers, (fault) => {
  fault('two relays and two readers, of which one is stopped and goes on again', async (lab, random) => {
    const first = lab.worker({ TOGETHER: `${random.chance(0.5)}` });
    const telling = lab.keepTelling(random);
    await eventually(async () => (await lab.applied()) > 0, { ms: 120_000 });
    const second = lab.worker({ TOGETHER: `${random.chance(0.5)}` });
    for (const holder of [first, second]) {
      holder.kill('SIGSTOP');
      const before = lab.told();
      // One of those that were told since then: the rival has taken over.
      await eventually(async () => (await lab.applied()) > before, { ms: 120_000, every: 100 });
      holder.kill('SIGCONT');
    }
    await telling.stop();
  });

  fault('kill -9 between every two steps', async (lab, random) => {
    const telling = lab.keepTelling(random);
    for (const death of WHOLE ? [...DEATHS, ...DEATHS] : DEATHS) {
      const worker = lab.worker({
        DIE_AT: death,
        DIE_NTH: `${1 + random.int(3)}`,
        TOGETHER: `${random.chance(0.5)}`,
      });
      await worker.exited;
      expect(worker.signalCode).toBe('SIGKILL');
    }
    lab.worker();
    await telling.stop();
  });

  fault('databases that end every session, again and again, under load', async (lab, random) => {
    const teller = lab.worker({ CONSUMER_URL: '', TELL: 'true' });
    const reader = lab.worker({ PRODUCER_URL: '' });
    for (let round = 0; round < (WHOLE ? 10 : 4); round++) {
      const before = await lab.applied();
      const more = 1 + random.int(50);
      await eventually(async () => (await lab.applied()) > before + more, { ms: 120_000, every: 20 });
      await lab.endSessions(random);
    }
    // Not one of them fell over.
    expect([teller.exitCode, reader.exitCode]).toEqual([null, null]);
    teller.kill('SIGKILL');
    lab.worker({ CONSUMER_URL: '' });
  });
});

describeWith('redis-server')(`the event spine on Redis (FAULT_SEED=${seed})`, () => {
  test.concurrent(
    'a Redis that comes back without its last second, behind its readers',
    async () => {
      await using lab = await openLab('Redis');
      const random = createRandom(seed, 'older Redis');
      const worker = lab.worker();
      const subjects = newSubjects(10);
      const tellAll = async (count: number) => {
        for (let n = 0; n < count; n++) await lab.tell(random.pick(subjects));
        await eventually(async () => (await lab.applied()) === lab.told());
      };
      for (let round = 1; round <= (WHOLE ? 3 : 2); round++) {
        await tellAll(50 + random.int(100));
        const kept = lab.told();
        await lab.stopPersisting();
        await tellAll(50 + random.int(100));
        worker.kill('SIGSTOP');
        await lab.redis?.restart('SIGKILL');
        await eventually(async () => (await lab.stream.bounds('auth'))?.last === kept);
        worker.kill('SIGCONT');
        for (let n = 0; n < random.int(50); n++) await lab.tell(random.pick(subjects));
      }
      await lab.settle();
    },
    TIMEOUT,
  );
});

const newSubjects = (count: number) => Array.from({ length: count }, () => Bun.randomUUIDv7());

/** Several at once, each with ten subjects of its own. */
async function lanes(count: number, run: (subjects: string[]) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => run(newSubjects(10))));
}

/** Two transactions: who begins first commits last, or waits for the other's subject. Some are undone. */
async function inversePair(lab: Lab, random: Random, subjects: readonly string[]): Promise<void> {
  const early = random.pick(subjects);
  const late = random.chance(0.5) ? early : random.pick(subjects);
  const [undoEarly, undoLate] = [random.chance(0.15), random.chance(0.15)];
  const tellsWithinOther = random.chance(0.5);
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const first = lab.transaction(undoEarly, async (tx) => {
    await tx.execute(sql`select 1`);
    if (early !== late) await lab.note(tx, early);
    begun.resolve();
    await goOn.promise;
    if (early === late) await lab.note(tx, early);
  });
  await begun.promise;
  await lab.transaction(undoLate, async (tx) => {
    await lab.note(tx, late);
    // The first then asks for the subject's lock while we hold it.
    if (early === late && tellsWithinOther) goOn.resolve();
  });
  goOn.resolve();
  await first;
}
