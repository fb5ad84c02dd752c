import { createRoute, z } from '@hono/zod-openapi';
import { declareAccess } from '@tertulia/shared/http/access';
import { idempotencyHeader } from '@tertulia/shared/http/idempotency';
import { Problem } from '@tertulia/shared/http/problem';
import { createRouter, json, problemResponses } from '@tertulia/shared/http/router';
import { readForm } from '../bodies/read-form.ts';
import { patient } from '../bodies/receive.ts';
import type { Deps } from '../deps.ts';
import { cleanFilename } from '../files/file-name.ts';
import type { CallerContext } from '../request-context.ts';
import { roomOf } from '../usage/usage.service.ts';
import { parseDetails } from './details.ts';
import { detailsSchema, mediaSchema } from './media.schema.ts';
import { keepReceived, type Received, writeReceived } from './received-file.ts';

/** Bytes of a form that are not its file, at most. */
const FORM_OVERHEAD = 1024 * 1024;
const FIELDS = ['title', 'description', 'visibility', 'tags', 'keepMetadata'] as const;

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
      async take({ filename, parts }) {
        received = await writeReceived(deps, id, cleanFilename(filename), parts);
      },
    });
    if (received === undefined) throw new Error('the form was read without its file');
    const details = parseDetails(Object.fromEntries(fields));
    const body = [received.filename, [...fields].sort(), received.sha256];
    const request = { key, caller: caller.userId, route: 'POST /media', body };
    return await keepReceived(deps, caller, { received, details, request, traceparent });
  } finally {
    await deps.formFiles.remove(id);
  }
}
