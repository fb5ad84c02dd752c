import postgres from 'postgres';
import { signUp } from '../e2e/people.ts';
import { startStack } from '../e2e/stack.ts';
import type { BenchRow } from './row.ts';
import { mannWhitney, median } from './statistics.ts';

const SAMPLES = 200;
const WARM_UP = 20;

type Question = { path: string; body: Record<string, string>; status: number };

/**
 * Whether time tells who has an account: the same question about accounts that exist and that do not, by
 * turns. Medians may differ by 5 ms or a tenth; p is of a rank test, and small when the times differ.
 */
export async function enumerationBench(): Promise<BenchRow[]> {
  const stack = await startStack({
    RATE_LIMIT_SCALE: '100000',
    SMTP_URL: 'smtp://127.0.0.1:1',
    PASSWORD_MEMORY_KIB: '65536',
    PASSWORD_PASSES: '2',
  });
  for (const name of ['known', 'suspended', 'old']) await signUp(stack, name);
  const old = await Bun.password.hash('as it was', {
    algorithm: 'argon2id',
    memoryCost: 19_456,
    timeCost: 2,
  });
  const sql = postgres(stack.databaseUrl('auth'), { max: 1, onnotice: () => {} });
  await sql`update users set suspended_at = now(), suspension_reason = 'bench' where username = 'suspended'`;
  await sql`update users set password_hash = ${old} where username = 'old'`;
  await sql.end();

  const login = (name: string): Question => ({
    path: '/auth/login',
    body: { email: `${name}@example.org`, password: 'not the right one' },
    status: 401,
  });
  const mail = (path: string) => (name: string) => ({
    path,
    body: { email: `${name}@example.org` },
    status: 202,
  });
  const rows = [
    ...(await compare('login', login, ['known', 'suspended', 'old'])),
    ...(await compare('forgot', mail('/auth/password/forgot'), ['known'])),
    ...(await compare('resend', mail('/auth/email/verify/resend'), ['known'])),
  ];
  await stack.stop();
  return rows;

  async function compare(what: string, question: (name: string) => Question, names: string[]) {
    const times = new Map<string, number[]>(['unknown', ...names].map((name) => [name, []]));
    for (let n = -WARM_UP; n < SAMPLES; n++) {
      for (const [name, list] of shuffled([...times])) {
        const ms = await ask(question(name));
        if (n >= 0) list.push(ms);
      }
    }
    const unknown = times.get('unknown') ?? [];
    return names.map((name): BenchRow => {
      const known = times.get(name) ?? [];
      return {
        what: `${what}, median ms: ${name} account, against none`,
        ours: median(known).toFixed(2),
        yardstick: `no account: ${median(unknown).toFixed(2)}`,
        ratio: `${(median(known) / median(unknown)).toFixed(3)}, p ${mannWhitney(known, unknown).toFixed(2)}`,
        target: '< 5 ms or 10 % apart, p > 0.01',
      };
    });
  }

  async function ask({ path, body, status }: Question): Promise<number> {
    const started = performance.now();
    const response = await fetch(stack.url('auth') + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    const ms = performance.now() - started;
    if (response.status !== status) throw new Error(`${path}: ${response.status}`);
    return ms;
  }
}

/** In another order each time: what one question leaves to do falls on every other alike. */
function shuffled<Item>(items: Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
