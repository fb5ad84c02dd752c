/**
 * True for `bun run verify:faults`, which runs the fault suites whole and takes minutes. `bun run test`, which
 * everybody waits for, runs less of the same: fewer rounds, and what takes longest on one carrier, by the seed.
 */
export const WHOLE = process.env.FAULTS === 'whole';
