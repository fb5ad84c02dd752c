/** One line of a benchmark's table: what we do, what a plain way does in the same run, and what was aimed at. */
export type BenchRow = { what: string; ours: string; yardstick: string; ratio: string; target: string };
