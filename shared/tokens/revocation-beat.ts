import { z } from 'zod';

/** Topic on which auth tells, a few times a second, which revocations are the latest. */
export const BEAT_TOPIC = 'revocations';

/** So many are named in a beat: enough to notice that something is missing, small enough for a hint. */
export const BEAT_SEQS = 100;

const beat = z.array(z.int().positive()).max(BEAT_SEQS);

export const toBeat = (seqs: readonly number[]) => JSON.stringify(seqs);

/** The numbers of the latest revocations; undefined for what is no beat. */
export function parseBeat(message: string): number[] | undefined {
  try {
    return beat.safeParse(JSON.parse(message)).data;
  } catch {
    return undefined;
  }
}

/** One page of `GET /auth/revocations`. */
export const revocationsPage = z.object({
  items: z.array(
    z.object({
      seq: z.int().positive(),
      userId: z.uuid(),
      sessionIds: z.array(z.uuid()),
      minGeneration: z.int().nullable(),
      kids: z.array(z.string()).optional(),
      expiresAt: z.iso.datetime(),
    }),
  ),
  /** What to ask with next: rows may come twice, but none is left out. */
  next: z.int().nonnegative(),
  /** There is more right now. */
  more: z.boolean(),
});
export type RevocationsPage = z.infer<typeof revocationsPage>;
