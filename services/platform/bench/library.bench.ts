import postgres from 'postgres';
import { signUp } from '../e2e/people.ts';
import { startStack } from '../e2e/stack.ts';
import type { BenchRow } from './row.ts';
import { median } from './statistics.ts';

const MEDIA = 100_000;
const ROUNDS = 5;
const REQUESTS = 50;
const LIMIT = 50;
const BATCH = 10_000;

/** Pages of a list of 100,000 media through HTTP: the first against the one after 90,000 others, and searches. */
export async function libraryBench(): Promise<BenchRow[]> {
  const stack = await startStack({ LOG_LEVEL: 'info', RATE_LIMIT_SCALE: '1000' });
  const person = await signUp(stack, 'bench');
  const sql = postgres(stack.databaseUrl('media'), { max: 1, onnotice: () => {} });
  const started = performance.now();
  await fill(sql, person.id);
  console.log(`${MEDIA} media in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  await sql.end();

  const list = `${stack.url('media')}/media?limit=${LIMIT}`;
  const read = async (query: string, token?: string) => {
    const response = await fetch(list + query, { headers: headersOf(token) });
    if (response.status !== 200) throw new Error(`${query}: ${response.status}`);
    return (await response.json()) as { items: unknown[]; nextCursor: string | null };
  };
  /** The cursor of a page that lies behind so many others. */
  const deepCursor = async (query: string, token?: string): Promise<string> => {
    let cursor = '';
    for (let page = 0; page < 90_000 / 100; page++) {
      const response = await fetch(`${stack.url('media')}/media?limit=100${query}${cursor}`, {
        headers: headersOf(token),
      });
      const { nextCursor } = (await response.json()) as { nextCursor: string | null };
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
    }
    return cursor;
  };
  /** Milliseconds of one request, one after another. */
  const measure = async (query: string, token?: string): Promise<number> => {
    const before = performance.now();
    for (let n = 0; n < REQUESTS; n++) await read(query, token);
    return (performance.now() - before) / REQUESTS;
  };

  const rows: BenchRow[] = [];
  const compare = async (
    what: string,
    query: string,
    other: string,
    yardstick: string,
    target: string,
    token?: string,
  ) => {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round <= ROUNDS; round++) {
      const [first, second] = [await measure(query, token), await measure(other, token)];
      if (round === 0) continue; // Warming up.
      ours.push(second);
      theirs.push(first);
    }
    rows.push({
      what,
      ours: median(ours).toFixed(2),
      yardstick: `${yardstick}: ${median(theirs).toFixed(2)}`,
      ratio: median(ours.map((value, at) => value / (theirs[at] ?? Number.NaN))).toFixed(2),
      target,
    });
  };
  for (const sort of ['newest', 'largest'] as const) {
    const query = `&sort=${sort}`;
    const deep = await deepCursor(query);
    await compare(`${sort}: page after 90,000, ms`, query, query + deep, 'first page', '≤ 1.30');
  }
  const signedIn = await deepCursor('', person.token);
  await compare('signed in: page after 90,000, ms', '', signedIn, 'first page', '≤ 1.30', person.token);
  await compare('q, a word of 1 in 1,000, ms', '', '&q=rare', 'first page', 'none');
  await compare('q, a word of every one, ms', '', '&q=holi', 'first page', 'none');
  await compare('q, two words, ms', '', '&q=holiday%20special', 'first page', 'none');
  await compare('tag of 1 in 1,000, ms', '', '&tag=Rare', 'first page', 'none');
  await stack.stop();
  return rows;
}

const headersOf = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { Authorization: `Bearer ${token}` };

/** As many rows as it takes, in ids that lie in the order of time; a tenth are of one owner, a tenth private. */
async function fill(sql: postgres.Sql, ownerId: string): Promise<void> {
  for (let from = 1; from < MEDIA; from += BATCH) {
    await sql`
    insert into media (id, owner_id, owner_username, filename, title, description, tags, tag_keys, blob_key, kind,
      mime_type, size, sha256, visibility, created_at)
    select
      (lpad(to_hex(1764000000000 + n), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
      case when n % 10 = 0 then ${ownerId}::uuid else md5((n % 500)::text)::uuid end,
      'somebody', 'file' || n || '.png',
      'Holiday number ' || n || case when n % 1000 = 7 then ' rare' else '' end,
      'A picture of a place, a day, and somebody in it' || case when n % 20 = 3 then ', special' else '' end,
      case when n % 1000 = 7 then array['Rare', 'Sea'] else array['Sea'] end,
      case when n % 1000 = 7 then array['rare', 'sea'] else array['sea'] end,
      'blob' || n, (array['image', 'video', 'audio'])[n % 3 + 1]::media_kind, 'image/png',
      (n * 7919) % 1000000, md5(n::text), (case when n % 10 = 1 then 'private' else 'public' end)::visibility, now()
    from generate_series(${from}::int, ${from + BATCH - 1}::int) as n`;
  }
  await sql`vacuum analyze media`;
}
