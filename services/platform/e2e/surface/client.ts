/** What came back, read to its end. */
export type Answer = { status: number; code: string | undefined; headers: Headers; text: string };

export type Call = {
  /** Told when something is wrong with the answer. */
  name: string;
  url: string;
  method: string;
  token?: string | undefined;
  headers?: Record<string, string>;
  body?: BodyInit | undefined;
};

/** Nothing of the inside may show in an error. */
const INSIDE =
  /node_modules|\.ts\b|\bat \S+ \(|\bselect\b.+\bfrom\b|\binsert into\b|postgres|drizzle|\bhono\b|\bbun\b|\bzod\b|\/work\//i;

/**
 * Sends requests, a bounded number at once, and looks at each answer: errors are problems, tell nothing of the
 * inside, and are never the server's own fault.
 */
export function createSurfaceClient(atOnce = 16) {
  const faults: string[] = [];
  let sent = 0;

  async function send({ name, url, method, token, headers, body }: Call): Promise<Answer> {
    sent++;
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return inspect(name, method, {
      status: response.status,
      code: undefined,
      headers: response.headers,
      text,
    });
  }

  /** Notes what is wrong with an answer; gives it back with its problem's code. */
  function inspect(name: string, method: string, answer: Answer): Answer {
    const { status, text, headers } = answer;
    const say = (what: string) => faults.push(`${name}: ${status}, ${what}: ${text.slice(0, 300)}`);
    if (status >= 500) say('the server failed');
    if (status < 400) return answer;
    if (headers.get('Content-Type') !== 'application/problem+json') say('no problem+json');
    if (status === 401 && headers.get('WWW-Authenticate') === null) say('no WWW-Authenticate');
    if (method === 'HEAD') return answer;
    let problem: Record<string, unknown> = {};
    try {
      problem = JSON.parse(text);
    } catch {
      say('no JSON');
      return answer;
    }
    const { type, title, code, requestId, instance, ...rest } = problem;
    const whole = [type, title, code, requestId, instance].every((part) => typeof part === 'string');
    if (!whole || type !== `urn:tertulia:problem:${code}` || rest.status !== status)
      say('not a whole problem');
    if (INSIDE.test(JSON.stringify({ title, ...rest }))) say('tells of the inside');
    return { ...answer, code: String(code) };
  }

  /** Works on every item, so many at once. */
  async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
    const waiting = items.values();
    const worker = async () => {
      for (const item of waiting) await work(item);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  return {
    send,
    each,
    inspect,
    fault: (text: string) => void faults.push(text),
    count: () => void sent++,
    sent: () => sent,
    /** What was wrong since the last look, at most so many lines. */
    takeFaults: (most = 40): string[] => faults.splice(0).slice(0, most),
  };
}

export type SurfaceClient = ReturnType<typeof createSurfaceClient>;
