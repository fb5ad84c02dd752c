import { z } from 'zod';

/** What every event looks like between services; `data` is the catalog's business. */
export const envelopeSchema = z.object({
  /** UUIDv7. */
  id: z.uuid(),
  type: z.string(),
  version: z.int().positive(),
  /** The service that announced it. */
  source: z.string(),
  /** What it is about: events of one subject keep their order. */
  subject: z.string(),
  /** Who did it; null for the system. */
  actorId: z.uuid().nullable(),
  /** RFC 3339, UTC. */
  occurredAt: z.iso.datetime(),
  /** W3C trace context of the request behind it. */
  traceparent: z.string().optional(),
  data: z.unknown(),
});

export type Envelope = z.infer<typeof envelopeSchema>;
