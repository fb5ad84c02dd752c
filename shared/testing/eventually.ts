/** Waits for a condition, looking again every few milliseconds; fails with the last error after `ms`. */
export async function eventually<Result>(
  look: () => Result | Promise<Result>,
  { ms = 30_000, every = 10 }: { ms?: number; every?: number } = {},
): Promise<Exclude<Result, undefined | null | false>> {
  const deadline = Date.now() + ms;
  let failure: unknown = new Error('the condition did not come true in time');
  while (Date.now() < deadline) {
    try {
      const result = await look();
      if (result !== undefined && result !== null && result !== false) {
        return result as Exclude<Result, undefined | null | false>;
      }
    } catch (error) {
      failure = error;
    }
    await Bun.sleep(every);
  }
  throw failure;
}
