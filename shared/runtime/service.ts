import type { z } from 'zod';
import type { CommonEnv } from '../config/common.ts';
import { EnvError, type EnvSource, isGuessable, isSecret, parseEnv } from '../config/env.ts';
import { isUnavailable } from '../db/unavailable.ts';
import { createLog, type Log } from './log.ts';
import type { Running } from './serve.ts';

/** What a service is to its launcher: its settings, its stores, and how it starts. */
export type ServiceDefinition<Shape extends z.ZodRawShape = z.ZodRawShape> = {
  name: string;
  /** Name of the variable that holds its port, for messages. */
  portVariable: string;
  /** Name of the variable that holds its database address, if it has a database. */
  databaseVariable?: string;
  env: z.ZodObject<Shape>;
  /** Variables that production does not do without. */
  productionNeeds: readonly string[];
  start(env: z.output<z.ZodObject<Shape>>, log: Log): Promise<Running>;
};

/**
 * Parses a service's settings. Production is held to what it needs, and to secrets that nobody can guess.
 *
 * @throws {EnvError}
 */
export function settingsOf<Shape extends z.ZodRawShape>(
  service: ServiceDefinition<Shape>,
  source: EnvSource,
) {
  const env = parseEnv(service.env, source);
  if (source.NODE_ENV === 'production') {
    const values: Record<string, unknown> = env;
    const missing = service.productionNeeds
      .filter((names) => names.split('|').every((name) => values[name] === undefined))
      .map((names) => `${names.replaceAll('|', ' or ')}: is required in production`);
    const guessable = Object.entries(values)
      .filter(([name, value]) => isSecret(name) && typeof value === 'string' && isGuessable(value))
      .map(([name]) => `${name}: is a placeholder or easily guessed; production wants a random one`);
    if (missing.length + guessable.length > 0) throw new EnvError([...missing, ...guessable]);
  }
  return env;
}

/** Starts a service with settings from anywhere. @throws what {@link explain} puts into words. */
export async function startService<Shape extends z.ZodRawShape>(
  service: ServiceDefinition<Shape>,
  source: EnvSource,
): Promise<Running> {
  const env = settingsOf(service, source);
  return service.start(env, createLog(service.name, commonOf(env).LOG_LEVEL));
}

/** Every service's settings contain the common ones. */
const commonOf = (env: object) => env as CommonEnv;

/** Serves with opened resources: they are closed when it stops, and also when it cannot start. */
export async function serveWith(
  close: () => Promise<void>,
  start: () => Running | Promise<Running>,
): Promise<Running> {
  try {
    const running = await start();
    return {
      ...running,
      async stop() {
        await running.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A service as a process of its own: settings → start → wait for SIGTERM or SIGINT → drain → exit 0.
 * What keeps it from starting is one clear line on standard error, and exit code 1.
 */
export async function runService<Shape extends z.ZodRawShape>(
  service: ServiceDefinition<Shape>,
  source: EnvSource,
): Promise<void> {
  try {
    const running = await startService(service, source);
    if (running.greeting) process.stderr.write(`${service.name}: ${running.greeting}\n`);
    const { SHUTDOWN_SECONDS } = commonOf(settingsOf(service, source));
    stopOnSignal(running.stop, SHUTDOWN_SECONDS * 1000 + CLOSE_MS);
  } catch (error) {
    fail(service.name, explain(error, service));
  }
}

/** A terminal's Ctrl-C arrives twice where a launcher passes it on too. */
const ECHO_MS = 1000;

/** What closing the stores may take after the drain. */
const CLOSE_MS = 2000;

/**
 * Runs `stop` at the first SIGTERM or SIGINT, then exits; a second signal, later, exits at once, and so does
 * the end of `limitMs`, if given: with code 1, as what was left is cut.
 */
export function stopOnSignal(stop: () => Promise<void>, limitMs?: number): void {
  let since: number | undefined;
  const onSignal = () => {
    if (since !== undefined) {
      if (Date.now() - since > ECHO_MS) process.exit(1);
      return;
    }
    since = Date.now();
    if (limitMs !== undefined) setTimeout(() => process.exit(1), limitMs);
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** The database address, or an error that says what to do about its absence. */
export function databaseOf(variable: string, url: string | undefined): string {
  if (url !== undefined) return url;
  throw new EnvError([`${variable}: is required; \`bun run stores\` gives one`]);
}

/** One line a cause, each naming the service. */
export function fail(name: string, lines: readonly string[]): never {
  for (const line of lines) process.stderr.write(`${name}: ${line}\n`);
  process.exit(1);
}

/** Says in one line what kept a service from starting, and which variable to look at. */
export function explain(
  error: unknown,
  { portVariable, databaseVariable }: Pick<ServiceDefinition, 'portVariable' | 'databaseVariable'>,
): readonly string[] {
  if (error instanceof EnvError) return error.problems;
  if (!(error instanceof Error)) return [String(error)];
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'EADDRINUSE') return [`the port is taken; set ${portVariable} to another one`];
  if (['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EEXIST', 'ENOSPC'].includes(code)) {
    return [`cannot write where it must: ${error.message}; set DATA_DIR to a folder that can be written`];
  }
  // Drizzle's message holds the statement: what it wraps says more to whoever starts a service.
  const root = error.cause instanceof Error ? error.cause : error;
  const see = databaseVariable === undefined ? '' : `; see ${databaseVariable}`;
  if (isUnavailable(root)) return [`the database cannot be reached${see}: ${root.message}`];
  if (root.name === 'PostgresError') return [`the database refused${see}: ${root.message}`];
  return [root === error ? error.message : `${error.message}: ${root.message}`];
}
