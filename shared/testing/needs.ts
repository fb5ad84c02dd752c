import { describe } from 'bun:test';

/**
 * A `describe` for tests that need a program which not every machine has. Where it is absent they are skipped
 * under a name that says so; with `CI` set, absence is a failure.
 */
export function describeWith(program: string | readonly string[]) {
  const names = typeof program === 'string' ? [program] : program;
  const found = names.some((name) => Bun.which(name) !== null);
  if (found) return describe;
  if (process.env.CI) throw new Error(`${names.join(' or ')} is not installed, and CI runs everything`);
  return (name: string, body: () => void) =>
    describe.skip(`${name} [skipped: no ${names.join(' or ')} here]`, body);
}

/** Debian calls it `chromium`. */
export const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'] as const;
