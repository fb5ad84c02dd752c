import type { RequestContext } from '../request-context.ts';

/** Less is in the network's buffers at once, and needs no patience. */
const LARGE = 1024 * 1024;
const PATIENCE_SECONDS = 60;
/** The start of an answer sets Bun's timeout to the server's own again; this comes after that. */
const UNDER_WAY_MS = 1000;

/**
 * Bun cuts an answer whose socket has taken nothing for a while. The kernel's send buffer holds megabytes, so
 * that happens to every phone on a slow line: such readers get a minute a buffer, and dead ones no more.
 */
export function allowSlowReader(c: RequestContext, size: number): void {
  const setSeconds = c.env?.setTimeout;
  if (setSeconds === undefined || size < LARGE) return;
  setTimeout(() => setSeconds(c.req.raw, PATIENCE_SECONDS), UNDER_WAY_MS).unref();
}
