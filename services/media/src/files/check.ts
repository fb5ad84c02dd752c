import type { Db } from '@tertulia/shared/db/database';
import type { Listed } from '@tertulia/shared/storage/blob-store';
import {
  isUnderWay,
  knownKeys,
  mediaBlobs,
  miscounted,
  type Owned,
  renditionBlobs,
} from './check.repository.ts';
import type { Stores } from './stores.ts';

/** What a check found, and what became of it. */
export type Findings = { orphans: number; removed: number; holes: number; miscounted: number };

export type CheckOptions = Stores & {
  db: Db;
  /** Removes orphans. */
  fix: boolean;
  /** Told of each finding, in a line. */
  tell(line: string): void;
  now?: Date;
};

/** What is younger may be on its way into a row. */
const YOUNG_MS = 3_600_000;
const BATCH = 500;
const AT_ONCE = 8;
const MISCOUNTED = 100;

/**
 * Compares what is stored with what rows say: blobs and bytes of uploads that nothing names (orphans), blobs that
 * media or renditions name and that are absent or of another size (holes), and shared blobs that are counted wrong.
 * Holds a bounded number of names, however many there are.
 */
export async function checkBlobs(options: CheckOptions): Promise<Findings> {
  const found = await checkUploads(options);
  for await (const batch of batches(options.blobs.list())) await checkBatch(options, batch, found);
  await checkHoles(options, found, mediaBlobs);
  await checkHoles(options, found, renditionBlobs);
  for (const key of await miscounted(options.db, MISCOUNTED)) {
    found.miscounted += 1;
    options.tell(`counted wrong: blob ${key}`);
  }
  return found;
}

/** The half of {@link checkBlobs} that is about uploads. */
export async function checkUploads({ db, uploads, fix, tell, now }: CheckOptions): Promise<Findings> {
  const found = { orphans: 0, removed: 0, holes: 0, miscounted: 0 };
  for await (const remains of uploads.list()) {
    if (isYoung(remains, now) || (await isUnderWay(db, remains.of))) continue;
    found.orphans += 1;
    tell(`orphan: ${remains.label}`);
    if (fix) {
      await remains.remove();
      found.removed += 1;
    }
  }
  return found;
}

async function checkBatch({ db, blobs, fix, tell, now }: CheckOptions, batch: Listed[], found: Findings) {
  const known = await knownKeys(
    db,
    batch.map(({ key }) => key),
  );
  for (const blob of batch) {
    if (known.has(blob.key) || isYoung(blob, now)) continue;
    found.orphans += 1;
    tell(`orphan: blob ${blob.key}, ${blob.size} bytes`);
    if (fix) {
      await blobs.remove(blob.key);
      found.removed += 1;
    }
  }
}

async function checkHoles({ db, blobs, tell }: CheckOptions, found: Findings, page: typeof mediaBlobs) {
  async function look({ id, name, key, size }: Owned): Promise<void> {
    const held = await blobs.size(key);
    if (held === size) return;
    found.holes += 1;
    const what = name === '' ? `media ${id}` : `rendition ${name} of media ${id}`;
    tell(`hole: ${what}: blob ${key} ${held === undefined ? 'is absent' : `has ${held} bytes, not ${size}`}`);
  }
  let after: Owned | undefined;
  do {
    const rows = await page(db, after, BATCH);
    for (let at = 0; at < rows.length; at += AT_ONCE) {
      await Promise.all(rows.slice(at, at + AT_ONCE).map(look));
    }
    after = rows.length < BATCH ? undefined : rows.at(-1);
  } while (after !== undefined);
}

function isYoung({ modified }: { modified: Date }, now = new Date()): boolean {
  return now.getTime() - modified.getTime() < YOUNG_MS;
}

async function* batches<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item[]> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
