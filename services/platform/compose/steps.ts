/** Seconds since a moment of `performance.now()`, as text. */
export const secondsSince = (moment: number) => `${((performance.now() - moment) / 1000).toFixed(1)} s`;

/** Does a step, and prints how long it took. */
export async function step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const started = performance.now();
  const result = await work();
  console.log(`— ${name}: ${secondsSince(started)}`);
  return result;
}
