import { readFileSync } from 'node:fs';

const LOOK_MS = 500;

/**
 * Calls `onGone` when one of the launchers above us is gone: who kills `npm start` means what it started, but
 * a signal to npm does not always travel down through npx and the shell. Linux only; elsewhere nothing is
 * watched.
 */
export function watchLaunchers(onGone: () => void): void {
  const launchers = launchersOf(process.ppid);
  if (launchers.length === 0) return;
  const timer = setInterval(() => {
    if (launchers.every(({ pid, started }) => stat(pid)?.started === started)) return;
    clearInterval(timer);
    onGone();
  }, LOOK_MS);
  timer.unref();
}

type Process = { pid: number; parent: number; started: string };

/** npm, npx, bun and the shells between them, from our parent upwards. */
function launchersOf(parent: number): Process[] {
  const found: Process[] = [];
  for (let at = stat(parent); at !== undefined && isLauncher(at.pid); at = stat(at.parent)) found.push(at);
  return found;
}

function isLauncher(pid: number): boolean {
  const [program = '', ...args] = read(`/proc/${pid}/cmdline`).split('\0');
  // A shell of theirs runs one command; a person's shell does not.
  if (/(^|\/)(sh|dash|bash)$/.test(program)) return args[0] === '-c' && /npx|npm|bun/.test(args[1] ?? '');
  return /(^|\/)(npm|npx|bun)( |$)/.test(program) || (/node$/.test(program) && /np[mx]/.test(args[0] ?? ''));
}

function stat(pid: number): Process | undefined {
  const text = read(`/proc/${pid}/stat`);
  // The program's name, in brackets, may contain anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, started] = [fields[0], fields[1], fields[19]];
  if (parent === undefined || started === undefined || state === 'Z') return undefined;
  return { pid, parent: Number(parent), started };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
