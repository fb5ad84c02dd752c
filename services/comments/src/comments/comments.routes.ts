import { createRoute } from '@hono/zod-openapi';
import { assertMatch, isNotModified } from '@tertulia/shared/http/conditional';
import { idParam } from '@tertulia/shared/http/fields';
import { idempotencyHeader, idempotently } from '@tertulia/shared/http/idempotency';
import { Problem } from '@tertulia/shared/http/problem';
import { badBody, createRouter, json, jsonBody, problemResponses } from '@tertulia/shared/http/router';
import type { Deps } from '../deps.ts';
import { canSee } from '../media/media.visibility.ts';
import { commentPatch, commentSchema, newCommentBody, tagOf, toComment } from './comments.schema.ts';
import { createComment, deleteComment, editComment } from './comments.service.ts';

const tags = ['Comments'];

export function commentsRoutes({ db, env, guards, limits, findComment }: Deps) {
  const creations = limits({ name: 'comments', points: env.COMMENTS_PER_MINUTE, seconds: 60 });
  const router = createRouter();

  router.openapi(
    createRoute({
      method: 'post',
      path: '/comments',
      tags,
      summary: 'Comment on a media, or answer a comment',
      ...guards.user,
      request: { headers: idempotencyHeader, body: jsonBody(newCommentBody) },
      responses: {
        201: json(commentSchema, 'The comment.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'media_not_found',
          'parent_not_found',
          'parent_of_other_media',
          'idempotency_key_reused',
          'rate_limited',
          'unavailable',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const body = c.req.valid('json');
      await creations.consume(caller.userId);
      const { answer, replayed } = await idempotently(
        db,
        {
          key: c.req.valid('header')['idempotency-key'],
          caller: caller.userId,
          route: 'POST /comments',
          body,
        },
        async (tx) => toComment(await createComment(tx, { caller, traceparent }, body)),
      );
      // A stored answer comes back with its keys in another order: here they get their own again.
      const comment = commentSchema.parse(answer);
      c.header('Location', `/comments/${comment.id}`);
      c.header('ETag', tagOf(comment));
      if (replayed) c.header('Idempotency-Replayed', 'true');
      return c.json(comment, 201);
    },
  );

  router.openapi(
    createRoute({
      method: 'get',
      path: '/comments/{id}',
      tags,
      summary: 'One comment',
      ...guards.anyone,
      request: { params: idParam },
      responses: {
        200: json(commentSchema, 'The comment, or its tombstone.'),
        304: { description: 'Not modified.' },
        ...problemResponses('unauthenticated', 'not_found'),
      },
    }),
    async (c) => {
      const found = await findComment(c.req.valid('param').id);
      if (found === undefined || !canSee(c.var.caller, found.media)) {
        throw new Problem('not_found', 'No such comment.');
      }
      const comment = toComment(found.comment);
      c.header('ETag', tagOf(comment));
      c.header('Cache-Control', 'private, no-cache');
      return isNotModified(c, tagOf(comment)) ? c.body(null, 304) : c.json(comment, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'patch',
      path: '/comments/{id}',
      tags,
      summary: 'Edit what you wrote',
      description: `For ${env.EDIT_WINDOW_MINUTES} minutes after it was written.`,
      ...guards.user,
      request: { params: idParam, body: jsonBody(commentPatch) },
      responses: {
        200: json(commentSchema, 'The comment, with `editedAt`.'),
        ...problemResponses(
          ...badBody,
          'unauthenticated',
          'forbidden',
          'edit_window_closed',
          'not_found',
          'precondition_failed',
        ),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      const change = { ...c.req.valid('json'), windowMinutes: env.EDIT_WINDOW_MINUTES };
      const row = await editComment(db, { caller, traceparent }, c.req.valid('param').id, change, (before) =>
        assertMatch(c, tagOf(toComment(before))),
      );
      const comment = toComment(row);
      c.header('ETag', tagOf(comment));
      return c.json(comment, 200);
    },
  );

  router.openapi(
    createRoute({
      method: 'delete',
      path: '/comments/{id}',
      tags,
      summary: 'Delete a comment',
      description:
        'By its author or a moderator. With replies a tombstone stays, without author and content; it goes with its last reply.',
      ...guards.user,
      request: { params: idParam },
      responses: {
        204: { description: 'It is deleted.' },
        ...problemResponses('unauthenticated', 'forbidden', 'not_found', 'precondition_failed'),
      },
    }),
    async (c) => {
      const { caller, traceparent } = c.var;
      await deleteComment(db, { caller, traceparent }, c.req.valid('param').id, (before) =>
        assertMatch(c, tagOf(toComment(before))),
      );
      return c.body(null, 204);
    },
  );

  return router;
}
