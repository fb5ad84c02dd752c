type App = { request(path: string, init?: RequestInit): Response | Promise<Response> };

/** More than any test gives; whoever is given more without end is told so. */
const MOST = 500;

/** Every address of the service in a body of any shape, and in headers. */
export function urlsIn(body: unknown, headers: Headers): string[] {
  const texts: string[] = [...headers.values()];
  const walk = (value: unknown, depth: number): void => {
    if (typeof value === 'string') texts.unshift(value);
    else if (typeof value === 'object' && value !== null && depth < 20) {
      for (const each of Object.values(value)) walk(each, depth + 1);
    }
  };
  walk(body, 0);
  return texts.flatMap(
    (text) => /^(?:https?:\/\/[^/]+)?(\/(?:media|albums)(?:[/?][^\s"<>]*)?)$/.exec(text)?.[1] ?? [],
  );
}

/**
 * Gets the seeds and every address that any answer names, in its JSON or its headers, over and over. Returns
 * all of them, the seeds too.
 *
 * @throws when there is no end to them
 */
export async function crawl(
  app: App,
  headers: Record<string, string>,
  seeds: readonly string[],
): Promise<string[]> {
  const found = new Set(seeds);
  // What is added while it is walked is walked too.
  for (const url of found) {
    if (found.size > MOST) throw new Error(`more than ${MOST} addresses`);
    const answer = await app.request(url, { headers });
    const isJson = answer.headers.get('Content-Type')?.includes('application/json') ?? false;
    const body = isJson ? await answer.json() : await answer.text();
    for (const next of urlsIn(body, answer.headers)) found.add(next);
  }
  return [...found];
}
