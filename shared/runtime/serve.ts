import type { WebSocketHandler } from 'bun';
import type { Log } from './log.ts';

/** A service that listens. `stop` drains and resolves when nothing of it is left. */
export type Running = {
  port: number;
  /** One line for whoever started it, shown once and never logged. */
  greeting?: string;
  stop(): Promise<void>;
};

type Options<Socket> = {
  fetch: (
    request: Request,
    server: Bun.Server<Socket>,
  ) => Response | undefined | Promise<Response | undefined>;
  websocket?: WebSocketHandler<Socket>;
  hostname: string;
  port: number;
  /** Time that running requests get to finish, seconds. */
  drainSeconds: number;
  log: Log;
  /** Called when draining starts, before it waits: close sockets, stop loops. */
  onDrain?: () => Promise<void> | void;
};

/** Larger than anything a route accepts: limits are the routes' own, with a problem for an answer. */
const MAX_BODY = Number.MAX_SAFE_INTEGER;

/**
 * Listens, and stops the polite way: accept no more, let running requests finish within their time, then
 * cut what is left.
 *
 * @throws an error with code `EADDRINUSE` when the port is taken.
 */
export function serve<Socket = undefined>(options: Options<Socket>): Running {
  const { log } = options;
  const server = Bun.serve<Socket>({
    hostname: options.hostname,
    port: options.port,
    // Bun's development page would show paths and stacks.
    development: false,
    // Without the page Bun would share a taken port in silence, and answer every other request.
    reusePort: false,
    maxRequestBodySize: MAX_BODY,
    idleTimeout: 30,
    fetch: options.fetch,
    error(error: Error) {
      log.error({ err: error }, 'request failed outside the app');
      return new Response(null, { status: 500 });
    },
    ...(options.websocket === undefined ? {} : { websocket: options.websocket }),
  } as Bun.Serve.Options<Socket>);

  return {
    port: server.port ?? options.port,
    async stop() {
      const finished = server.stop(false);
      await options.onDrain?.();
      const { promise: late, resolve } = Promise.withResolvers<'late'>();
      const timer = setTimeout(() => resolve('late'), options.drainSeconds * 1000);
      const outcome = await Promise.race([finished, late]);
      clearTimeout(timer);
      if (outcome === 'late') log.warn('requests were cut at the end of the drain');
      await server.stop(true);
    },
  };
}
