import type { Caller } from '@tertulia/shared/http/context';
import { earlierAnswer } from '@tertulia/shared/http/idempotency';
import { Problem } from '@tertulia/shared/http/problem';
import { addressGuard } from '@tertulia/shared/http/public-address';
import type { Deps } from '../deps.ts';
import { cleanFilename } from '../files/file-name.ts';
import { type Kept, keepReceived, writeReceived } from '../media/received-file.ts';
import { roomOf } from '../usage/usage.service.ts';
import { download } from './download.ts';
import type { Import } from './imports.schema.ts';

/** At once in this process; who comes beyond is told to come back. */
const MOST = 16;

type Asked = { key: string | undefined; traceparent: string | undefined; gone: AbortSignal };

export type Importer = (
  caller: Caller,
  body: Import,
  asked: Asked,
) => Promise<{ answer: Kept; replayed: boolean }>;

/** Fetches files and makes media of them. The file is judged as any upload is. */
export function createImporter(deps: Deps): Importer {
  const { db, env, resolve } = deps;
  const isAllowed = addressGuard(env.IMPORT_ALLOW);
  let running = 0;

  return async (caller, body, { key, traceparent, gone }) => {
    const { url, description = '', visibility = 'public', tags = [], keepMetadata = false } = body;
    const details = { title: body.title, description, visibility, tags, keepMetadata };
    const request = { key, caller: caller.userId, route: 'POST /media/imports', body: [url, details] };
    const answer = await earlierAnswer<Kept>(db, request);
    if (answer !== undefined) return { answer, replayed: true };
    if (running >= MOST) {
      throw new Problem('unavailable', 'Too many files are imported.', { headers: { 'Retry-After': '5' } });
    }
    running += 1;
    const id = Bun.randomUUIDv7();
    try {
      const room = await roomOf(db, env, caller.userId);
      const file = await download(url, {
        ...{ isAllowed, ports: env.IMPORT_PORTS, resolve },
        maxSize: Math.min(env.MEDIA_MAX_SIZE, room),
        tooLarge: room < env.MEDIA_MAX_SIZE ? 'quota_exceeded' : 'upload_too_large',
        signal: AbortSignal.any([gone, AbortSignal.timeout(env.IMPORT_SECONDS * 1000)]),
      });
      try {
        const received = await writeReceived(deps, id, filenameOf(file.url), file.parts);
        return await keepReceived(deps, caller, { received, details, request, traceparent });
      } finally {
        file.stop();
      }
    } finally {
      running -= 1;
      await deps.formFiles.remove(id);
    }
  };
}

/** The last part of the path. */
function filenameOf({ pathname }: URL): string {
  const last = pathname.split('/').at(-1) ?? '';
  try {
    return cleanFilename(decodeURIComponent(last));
  } catch {
    return cleanFilename(last);
  }
}
