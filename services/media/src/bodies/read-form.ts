import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { Problem } from '@tertulia/shared/http/problem';
import type { RequestContext } from '../request-context.ts';
import { receive } from './receive.ts';

export type FormFile = { filename: string | undefined; parts: AsyncIterable<Uint8Array> };

type Options = {
  stallSeconds: number;
  maxSize: number;
  /** What a larger file is refused as. */
  tooLarge: 'upload_too_large' | 'quota_exceeded';
  /** Name of the one file part, which must be there. */
  file: string;
  /** Names of text fields, each at most once, before or after the file. */
  fields: readonly string[];
  /** Has the file as it arrives, and is awaited. */
  take(file: FormFile): Promise<void>;
};

const FIELD_BYTES = 64 * 1024;

/**
 * Reads a `multipart/form-data` body as it comes, so that memory stays flat whatever the size.
 *
 * @throws {Problem} for whatever is wrong with the form, and what `take` throws
 */
export async function readForm(c: RequestContext, options: Options): Promise<Map<string, string>> {
  const type = c.req.header('Content-Type') ?? '';
  if (!/^multipart\/form-data\s*(;|$)/i.test(type)) {
    throw new Problem('unsupported_media_type', 'Send multipart/form-data.');
  }
  const fields = new Map<string, string>();
  let taking: Promise<void> | undefined;
  let taken: Readable | undefined;
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {});

  const parser = openParser(type, options.maxSize);
  parser.on('error', () => fail(malformed()));
  parser.on('partsLimit', () => fail(invalid('', 'has too many parts')));
  parser.on('field', (name: string, value: string, nameCut: boolean, valueCut: boolean) => {
    if (nameCut || !options.fields.includes(name)) fail(invalid(name, 'is not a known field'));
    else if (fields.has(name)) fail(invalid(name, 'is given twice'));
    else if (valueCut) fail(invalid(name, 'is too long'));
    else fields.set(name, value);
  });
  parser.on('file', (name: string, file: Readable, filename: string | undefined) => {
    // The parser reports a cut form on the file, too, which must not go unheard.
    file.on('error', () => {});
    file.on('limit', () => fail(new Problem(options.tooLarge, `Only ${options.maxSize} bytes are taken.`)));
    if (name !== options.file) fail(invalid(name, 'is not a known file'));
    else if (taking !== undefined) fail(invalid(name, 'is given twice'));
    else {
      taken = file;
      taking = options.take({ filename, parts: file });
      taking.catch(fail);
      return;
    }
    file.resume();
  });

  const stop = new AbortController();
  const parsed = once(parser, 'finish');
  parsed.catch(() => {});
  try {
    const receiving = receive(c, {
      stallSeconds: options.stallSeconds,
      signal: stop.signal,
      async take(part) {
        if (!parser.write(part)) await Promise.race([once(parser, 'drain'), failed]);
        return false;
      },
    });
    const ending = await Promise.race([receiving, failed]);
    if (ending !== 'complete') throw malformed('The body ended early.');
    parser.end();
    await Promise.race([parsed, failed]);
    if (taking === undefined) throw invalid(options.file, 'is required');
    await Promise.race([taking, failed]);
    return fields;
  } catch (error) {
    stop.abort();
    parser.destroy();
    // Who takes the file would wait for its end forever; nobody must be writing when the caller clears away.
    taken?.destroy(new Error('the form was cut'));
    await taking?.catch(() => {});
    throw error;
  }
}

function openParser(type: string, maxSize: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      limits: {
        fieldNameSize: 100,
        fieldSize: FIELD_BYTES,
        fileSize: maxSize,
        parts: 32,
        headerPairs: 32,
        headerSize: 16 * 1024,
      },
      highWaterMark: 1024 * 1024,
      fileHwm: 1024 * 1024,
    });
  } catch {
    throw malformed('The Content-Type has no boundary.');
  }
}

const malformed = (detail = 'The form is malformed or cut short.') =>
  new Problem('malformed_request', detail);

const invalid = (path: string, message: string) =>
  new Problem('invalid_fields', undefined, { errors: [{ path: path.slice(0, 64), message }] });
