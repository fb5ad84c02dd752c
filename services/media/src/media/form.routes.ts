import { createRoute, z } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { idempotencyHeader, idempotently } from '@tertulia/shared/http/idempotency';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, json, problemResponses } from '@tertulia/shared/http/router';
import { newBlobKey } from '@tertulia/shared/storage/blob-store';
import { onDisk, writeAll } from '@tertulia/shared/storage/disk';
import { type FormFile, readForm } from '../bodies/read-form.ts';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import { cleanFilename, titleOf } from '../files/file-name.ts';
import { noteRemovals, strikeRemoval } from '../files/removals.repository.ts';
import { carryOut } from '../files/removals.ts';
import { inspect, limitsOf } from '../inspection/inspect.ts';
import type { CallerContext } from '../request-context.ts';
import { reserve, roomOf } from '../usage/usage.service.ts';
import { parseDetails } from './details.ts';
import { etagOfMedia } from './media.routes.ts';
import { detailsSchema, type Media, mediaSchema, toMedia } from './media.schema.ts';
import { addMedia } from './media.service.ts';

/** Bytes of a form that are not its file, at most. */
const FORM_OVERHEAD = 1024 * 1024;
const FIELDS = ['title', 'description', 'visibility', 'tags', 'keepMetadata'] as const;
/** Time from a blob to its row; a blob without one is swept after that. */
const ADOPTION_MS = 3_600_000;

const formSchema = detailsSchema.extend({
  file: z.string().openapi({ format: 'binary', description: 'Image, video or audio.' }),
});

export function formRoutes(deps: Deps) {
  const { env, guards } = deps;
  const received = deps.limits({ name: 'forms', points: env.UPLOADS_PER_MINUTE, seconds: 60 });
  const router = createRouter();
  const route = createRoute({
    method: 'post',
    path: '/media',
    tags: ['Media'],
    summary: 'Upload a file in one request',
    description: 'For small files; large ones are better sent by tus, which resumes.',
    ...declareAccess('user'),
    request: {
      headers: idempotencyHeader,
      body: { required: true, content: { 'multipart/form-data': { schema: formSchema } } },
    },
    responses: {
      201: json(mediaSchema, 'The new media.'),
      ...problemResponses(
        'malformed_request',
        'unauthenticated',
        'upload_too_large',
        'quota_exceeded',
        'unsupported_media_type',
        'unprocessable_media',
        'invalid_fields',
        'idempotency_key_reused',
        'rate_limited',
        'unavailable',
        'insufficient_storage',
      ),
    },
  });
  // Registered by hand: the library would read the whole form into memory to validate it.
  router.openAPIRegistry.registerPath(route);
  router.post('/media', guards.user.middleware, patient, async (c) => {
    const header = idempotencyHeader.safeParse({ 'idempotency-key': c.req.header('Idempotency-Key') });
    if (!header.success) {
      const errors = [{ path: 'idempotency-key', message: 'is 1 to 255 visible ASCII characters' }];
      throw new Problem('invalid_fields', undefined, { errors });
    }
    await received.consume(c.var.caller.userId);
    const { answer, replayed } = await takeForm(deps, c, header.data['idempotency-key']);
    if (replayed) c.header('Idempotency-Replayed', 'true');
    c.header('Location', answer.media.links.self);
    c.header('ETag', answer.etag);
    return c.json(answer.media, 201);
  });
  return router;
}

type Answer = { media: Media; etag: string };

/** The file goes to disk as it comes, and is gone again unless all of it leads to a media. */
async function takeForm(deps: Deps, c: CallerContext, key: string | undefined) {
  const { caller, traceparent } = c.var;
  const id = Bun.randomUUIDv7();
  let received: Received | undefined;
  const room = await roomOf(deps.db, deps.env, caller.userId);
  // Refused by its length alone, before it is read, where that can be told: a form is its file and little more.
  const tooMuch = Number(c.req.header('Content-Length') ?? 0) - FORM_OVERHEAD > room;
  if (tooMuch) throw new Problem('quota_exceeded', 'Deleting media for good makes room.');
  try {
    const fields = await readForm(c, {
      stallSeconds: deps.env.UPLOAD_STALL_SECONDS,
      maxSize: Math.min(deps.env.MEDIA_MAX_SIZE, room),
      tooLarge: room < deps.env.MEDIA_MAX_SIZE ? 'quota_exceeded' : 'upload_too_large',
      file: 'file',
      fields: FIELDS,
      async take(file) {
        received = await writeFile(deps, id, file);
      },
    });
    if (received === undefined) throw new Error('the form was read without its file');
    const { filename, size, sha256 } = received;
    const details = parseDetails(Object.fromEntries(fields));
    const path = deps.formFiles.path(id);
    const inspected = await inspect(Bun.file(path), limitsOf(deps.env));

    const blob = { place: 'blob' as const, key: newBlobKey() };
    // Noted before it exists, struck out with its row: whatever happens in between, it is swept.
    await noteRemovals(deps.db, [blob], new Date(Date.now() + ADOPTION_MS));
    let isKept = false;
    let adopted = false;
    try {
      await deps.blobs.put(blob.key, path);
      const request = {
        key,
        caller: caller.userId,
        route: 'POST /media',
        body: [filename, [...fields].sort(), sha256],
      };
      const { answer, replayed } = await idempotently<Answer>(deps.db, request, async (tx) => {
        if (!(await strikeRemoval(tx, blob))) throw new Error('the blob was swept');
        await reserve(tx, deps.env, caller.userId, size);
        const row = await addMedia(
          tx,
          deps,
          {
            reserved: size,
            ownerId: caller.userId,
            ownerUsername: caller.username,
            ...details,
            title: details.title ?? titleOf(filename),
            ...{ filename, size, sha256, ...inspected, blobKey: blob.key },
          },
          { traceparent },
        );
        isKept = row.blobKey === blob.key;
        return { media: toMedia(row, caller, false), etag: etagOfMedia(row, caller, false) };
      });
      adopted = isKept && !replayed;
      return { answer, replayed };
    } finally {
      if (!adopted) await dropUnlessAdopted(deps, blob);
    }
  } finally {
    await deps.formFiles.remove(id);
  }
}

/** A commit whose answer was lost has struck the note out: then the blob stays. */
async function dropUnlessAdopted(deps: Deps, blob: { place: 'blob'; key: string }): Promise<void> {
  const noted = await strikeRemoval(deps.db, blob).catch(() => false);
  if (!noted) return;
  await noteRemovals(deps.db, [blob]);
  await carryOut(deps, [blob]);
}

type Received = { filename: string; size: number; sha256: string };

async function writeFile(deps: Deps, id: string, { filename, parts }: FormFile): Promise<Received> {
  const hasher = new Bun.CryptoHasher('sha256');
  let size = 0;
  await onDisk(async () => {
    const file = await deps.formFiles.append(id);
    try {
      for await (const part of parts) {
        const writing = writeAll(file, part);
        hasher.update(part);
        await writing;
        size += part.length;
      }
    } finally {
      await file.close();
    }
  });
  return { filename: cleanFilename(filename), size, sha256: hasher.digest('hex') };
}
