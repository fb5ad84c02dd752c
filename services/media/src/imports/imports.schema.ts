import { z } from '@hono/zod-openapi';
import { changeBody } from '../media/media.schema.ts';

/** What goes with an imported file is what can be changed later. */
export const importBody = changeBody
  .extend({
    url: z
      .string()
      .max(2048, 'is longer than 2048 characters')
      .openapi({ format: 'uri', description: 'http or https, on a public address.' }),
  })
  .openapi('Import');
export type Import = z.infer<typeof importBody>;
