/**
 * Ends a test that hangs, ms. No test is judged by its time: whole browsers and crashes take what a slow
 * machine needs. `bun run test` gives every test as much; named where a test alone outlasts Bun's own 5 s.
 */
export const HANG_MS = 180_000;
