import type { IncomingMessage } from 'node:http';
import { Problem, type ProblemCode } from '@tertulia/shared/http/problem';
import type { AddressGuard } from '@tertulia/shared/http/public-address';
import { get } from './request.ts';
import { type Resolve, type Target, targetOf } from './target.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

type Options = {
  isAllowed: AddressGuard;
  ports: readonly string[];
  resolve: Resolve;
  maxSize: number;
  /** What it is called when the file is larger. */
  tooLarge: ProblemCode;
  signal: AbortSignal;
};

/** What an address gave: where it was in the end, and its bytes as they come. */
export type Download = { url: URL; parts: AsyncIterable<Uint8Array>; stop(): void };

/**
 * Asks for a file, through at most five redirects, each checked like the first address.
 *
 * @throws {Problem} `import_refused`, `import_failed`; while it is read also `tooLarge`
 */
export async function download(text: string, options: Options): Promise<Download> {
  let target = await targetOf(text, undefined, options);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await ask(target, options.signal);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (!REDIRECTS.has(status) || location === undefined) {
      const stop = () => void response.destroy();
      try {
        assertFile(response, status, options);
      } catch (error) {
        stop();
        throw error;
      }
      return { url: target.url, parts: partsOf(response, options), stop };
    }
    response.destroy();
    target = await targetOf(location, target.url, options);
  }
  throw new Problem('import_failed', `It redirects more than ${MAX_REDIRECTS} times.`);
}

async function ask(target: Target, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    return await get(target, signal);
  } catch (error) {
    throw failed(signal, error);
  }
}

function assertFile({ headers }: IncomingMessage, status: number, { maxSize, tooLarge }: Options): void {
  if (status !== 200) throw new Problem('import_failed', `It answered with ${status}.`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new Problem('import_failed', 'It is compressed, though asked not to be.');
  if (Number(headers['content-length'] ?? 0) > maxSize) throw new Problem(tooLarge);
}

async function* partsOf(
  response: IncomingMessage,
  { maxSize, tooLarge, signal }: Options,
): AsyncGenerator<Uint8Array> {
  const told = response.headers['content-length'];
  let size = 0;
  try {
    for await (const part of response) {
      size += part.length;
      if (size > maxSize) throw new Problem(tooLarge);
      yield part;
    }
  } catch (error) {
    throw error instanceof Problem ? error : failed(signal, error);
  }
  if (told !== undefined && Number(told) !== size) throw new Problem('import_failed', 'It broke off.');
}

const failed = (signal: AbortSignal, cause: unknown) =>
  new Problem('import_failed', signal.aborted ? 'It takes too long.' : 'It does not answer.', { cause });
