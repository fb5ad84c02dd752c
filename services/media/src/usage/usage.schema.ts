import { z } from '@hono/zod-openapi';

const bytes = () => z.int().min(0).max(Number.MAX_SAFE_INTEGER);

export const usageSchema = z
  .object({
    usedBytes: bytes().openapi({ description: 'Of all files, those in the trash too.' }),
    reservedBytes: bytes().openapi({ description: 'Of uploads that are under way.' }),
    quotaBytes: bytes().nullable().openapi({ description: 'Null where there is none.' }),
    files: z.int(),
  })
  .openapi('Usage');
export type Usage = z.infer<typeof usageSchema>;

export const quotaBody = z
  .strictObject({
    quotaBytes: bytes().nullable().openapi({ description: 'Null: the installation’s.' }),
  })
  .openapi('Quota');
