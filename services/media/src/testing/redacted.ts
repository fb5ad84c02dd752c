import { eq } from 'drizzle-orm';
import { media as mediaTable, type Redaction } from '../db/schema.ts';
import type { TestApp } from '../test-app.ts';
import { sha256 } from './fixtures.ts';

/** `bytes`, then zeros up to `length`, from `at` on. */
export const redaction = (at: number, length: number, bytes = ''): Redaction => ({
  at,
  length,
  bytes: Buffer.from(bytes).toString('base64'),
});

/** The file as others than its owner get it. */
export function redacted(file: Uint8Array, redactions: readonly Redaction[]): Uint8Array {
  const copy = file.slice();
  for (const { at, length, bytes } of redactions) {
    copy.fill(0, at, at + length);
    copy.set(Buffer.from(bytes, 'base64').subarray(0, length), at);
  }
  return copy;
}

/** Says of a media that is there what is to be hidden in it. */
export async function hideIn(
  { database }: TestApp,
  id: string,
  file: Uint8Array,
  redactions: Redaction[],
  keepMetadata = false,
): Promise<void> {
  const redactedSha256 = redactions.length === 0 ? null : sha256(redacted(file, redactions));
  await database.db
    .update(mediaTable)
    .set({ redactions, redactedSha256, keepMetadata })
    .where(eq(mediaTable.id, id));
}
