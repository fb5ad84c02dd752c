import { z } from '@hono/zod-openapi';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
const CONTROL_OR_BREAK = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Length in code points, as Postgres' `char_length` counts, not in UTF-16 units. */
const codePoints = (text: string) => [...text].length;

function text(min: number, max: number, refused: RegExp) {
  return (
    z
      .string()
      // A bound on the raw text first: what follows walks it.
      .max(max * 4 + 64, `is longer than ${max} characters`)
      .refine((value) => value.isWellFormed() && !refused.test(value.replaceAll('\r\n', '\n')), {
        message: 'contains characters that are not allowed',
        abort: true,
      })
      .transform((value) => value.replaceAll('\r\n', '\n').normalize('NFC').trim())
      .refine((value) => codePoints(value) >= min, `is shorter than ${min} characters`)
      .refine((value) => codePoints(value) <= max, `is longer than ${max} characters`)
      .openapi({ type: 'string', minLength: min, maxLength: max })
  );
}

/** One line of text: NFC, trimmed, counted in code points, no control characters. */
export const line = (min: number, max: number) => text(min, max, CONTROL_OR_BREAK);

/** Text of several lines: like {@link line}, with newlines and tabs. */
export const paragraph = (min: number, max: number) => text(min, max, CONTROL);

/** An id in a path or body. */
export const id = () => z.uuid().openapi({ example: '0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f' });

/** An instant on the wire: RFC 3339 in UTC. */
export const instant = () => z.iso.datetime().openapi({ example: '2026-11-24T10:00:00.000Z' });

/** `{id}` path parameters. */
export const idParam = z.object({ id: id() });
