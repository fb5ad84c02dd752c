/** Stands between the services and auth: shut, nothing gets through. */
export type Gate = {
  url: string;
  /** Where auth is; known once the stack runs. */
  aim(authUrl: string): void;
  shut(): void;
  open(): void;
  /** How often auth has been asked for revocations, so far. */
  asked(): number;
  stop(): Promise<void>;
};

/** A network that can fail between services and auth. */
export function startGate(): Gate {
  let target = '';
  let isOpen = true;
  let asked = 0;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    error: () => new Response(null, { status: 502 }),
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      if (pathname === '/auth/revocations') asked++;
      if (!isOpen || target === '') return new Response(null, { status: 503 });
      const { method, headers } = request;
      const body = method === 'GET' ? undefined : await request.text();
      const answer = await fetch(`${target}${pathname}${search}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const text = await answer.text();
      return new Response(text, { status: answer.status, headers: { 'Content-Type': 'application/json' } });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    aim(authUrl) {
      target = authUrl;
    },
    shut() {
      isOpen = false;
    },
    open() {
      isOpen = true;
    },
    asked: () => asked,
    stop: () => server.stop(true),
  };
}
