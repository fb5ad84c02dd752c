import type { Context } from '../context.ts';
import { createForm, textarea } from '../form.ts';
import type { Comment } from '../types.ts';

type Options = {
  context: Context;
  label: string;
  submitLabel: string;
  draft: { mediaId: string; parentId?: string };
  done(comment: Comment): void;
  cancel?: () => void;
};

/** Writes a comment. Sent twice for want of an answer, it is still one: the same words keep their key. */
export function commentForm({ context, label, submitLabel, draft, done, cancel }: Options): HTMLFormElement {
  const control = textarea('', { rows: 3 });
  let key = crypto.randomUUID();
  let tried: string | undefined;
  const form = createForm({
    fields: [{ name: 'content', label, control }],
    submitLabel,
    async submit({ content }) {
      if (content !== tried) key = crypto.randomUUID();
      tried = content;
      const comment = await context.api.call<Comment>('POST', 'comments', '/comments', {
        body: { ...draft, content },
        headers: { 'Idempotency-Key': key },
      });
      tried = undefined;
      control.value = '';
      done(comment);
    },
    ...(cancel === undefined ? {} : { cancel }),
  });
  form.classList.add('comment-form');
  return form;
}
