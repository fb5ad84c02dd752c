import { availableParallelism } from 'node:os';
import { signUp } from '../e2e/people.ts';
import { startStack } from '../e2e/stack.ts';
import type { BenchRow } from './row.ts';
import { median } from './statistics.ts';

const ROUNDS = 5;
const WARM_UP_ROUNDS = 2;
const ROUND_MS = 4000;
const CONNECTIONS = 8;
/** So many that nobody reaches the bound of living sessions, beyond which each sign-in ends another. */
const ACCOUNTS = 40;
/** As the settings are by default. */
const COST = { memoryCost: 65_536, timeCost: 2 };
const PASSWORD = 'correct horse battery';

/** `POST /auth/login`, the whole of it, against nothing but `Bun.password.verify` on the same cores. */
export async function loginBench(): Promise<BenchRow[]> {
  const settings = {
    LOG_LEVEL: 'info',
    RATE_LIMIT_SCALE: '100000',
    PASSWORD_MEMORY_KIB: String(COST.memoryCost),
    PASSWORD_PASSES: String(COST.timeCost),
  };
  // Who listens to sign-ins has machines of its own; here it would be measured along.
  const stack = await startStack(settings, { media: 0, comments: 0, notifications: 0 });
  const known = new Map<string, string>();
  for (let n = 0; n < ACCOUNTS; n++) {
    const { username } = await signUp(stack, `login${n}`);
    known.set(`${username}@example.org`, '');
  }
  const emails = [...known.keys()];
  let turn = 0;
  /** From a device that has signed in before, as most do. */
  async function login(): Promise<void> {
    const email = emails[turn++ % ACCOUNTS] ?? '';
    const response = await fetch(`${stack.url('auth')}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Device-Token': known.get(email) ?? '' },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`login: ${response.status}`);
    known.set(email, response.headers.get('X-Device-Token') ?? '');
  }
  const hash = await Bun.password.hash(PASSWORD, { algorithm: 'argon2id', ...COST });
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const logins = await perSecond(CONNECTIONS, login);
    const verifications = await perSecond(availableParallelism(), () => Bun.password.verify(PASSWORD, hash));
    if (round < 0) continue;
    ours.push(logins);
    bare.push(verifications);
  }
  await stack.stop();
  const ratio = median(ours.map((value, at) => value / (bare[at] ?? Number.NaN)));
  return [
    {
      what: 'POST /auth/login, a second (auth alone)',
      ours: median(ours).toFixed(0),
      yardstick: `Bun.password.verify alone: ${median(bare).toFixed(0)}`,
      ratio: ratio.toFixed(2),
      target: '≥ 0.95',
    },
  ];
}

/** How often `work` is done a second by so many workers. */
async function perSecond(workers: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (performance.now() - started < ROUND_MS) {
        await work();
        done++;
      }
    }),
  );
  return done / ((performance.now() - started) / 1000);
}
