/** Keys of one look-up, at most; who asks beyond waits for the next. */
const MOST = 200;

type Waiting<Found> = { key: string; resolve(found: Found | undefined): void; reject(error: unknown): void };

/**
 * Looks things up together: while one look-up is under way, all who ask gather for the next. Each is answered
 * by a look-up that began after he asked, so nobody is told what was true before; and a thousand readers cost
 * a store little more than one.
 */
export function createBatch<Found>(
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Found>>,
): (key: string) => Promise<Found | undefined> {
  let waiting: Waiting<Found>[] = [];
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST);
      waiting = waiting.slice(MOST);
      try {
        const found = await load([...new Set(batch.map(({ key }) => key))]);
        for (const { key, resolve } of batch) resolve(found.get(key));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (!running) void run();
    });
}
