import { z } from 'zod';

/**
 * Centrifugo's client protocol, version 2 (`client.proto` of centrifugal/protocol), as far as this server
 * speaks it. Names and codes are Centrifugo's own, so that the published SDKs do the right thing.
 */

/** Errors in a reply; the connection goes on. */
export const ERRORS = {
  permissionDenied: { code: 103, message: 'permission denied' },
  methodNotFound: { code: 104, message: 'method not found' },
  alreadySubscribed: { code: 105, message: 'already subscribed' },
  badRequest: { code: 107, message: 'bad request' },
  notAvailable: { code: 108, message: 'not available' },
  tokenExpired: { code: 109, message: 'token expired' },
  tooManyRequests: { code: 111, message: 'too many requests', temporary: true },
  internal: { code: 100, message: 'internal server error', temporary: true },
} as const;

/** Closes: below 3500 the SDK connects again, from 3500 on it gives up. */
export const CLOSES = {
  shutdown: [3001, 'shutdown'],
  expired: [3005, 'connection expired'],
  slow: [3008, 'slow'],
  insufficientState: [3010, 'insufficient state'],
  noPong: [3012, 'no pong'],
  tooManyRequests: [3013, 'too many requests'],
  invalidToken: [3500, 'invalid token'],
  badRequest: [3501, 'bad request'],
  stale: [3502, 'stale'],
  connectionLimit: [3504, 'connection limit'],
} as const satisfies Record<string, readonly [number, string]>;

export type Close = keyof typeof CLOSES;
export type ProtocolError = (typeof ERRORS)[keyof typeof ERRORS];

/** A position that makes no sense is one that nothing can be recovered from; see `recovered: false`. */
const offset = z.int().nonnegative().catch(-1);

export const positionSchema = z.object({
  epoch: z.string().max(64).catch(''),
  // The SDKs leave out an offset of zero.
  offset: z.preprocess((value) => value ?? 0, offset),
});
export type Position = z.infer<typeof positionSchema>;

const channel = z.string().min(1).max(255);

export const commandSchema = z.object({
  id: z.int().nonnegative().optional(),
  connect: z
    .object({
      token: z.string().max(8192).default(''),
      subs: z.record(channel, positionSchema.extend({ recover: z.boolean().default(false) })).default({}),
      data: z.unknown().optional(),
    })
    .optional(),
  refresh: z.object({ token: z.string().max(8192) }).optional(),
  subscribe: z.object({ channel }).optional(),
  unsubscribe: z.object({ channel }).optional(),
  history: z
    .object({
      channel,
      limit: z.int().min(-1).max(1000).default(0),
      since: positionSchema.optional(),
      reverse: z.boolean().default(false),
    })
    .optional(),
  rpc: z.object({ method: z.string().max(64), data: z.unknown().optional() }).optional(),
});
export type Command = z.infer<typeof commandSchema>;

export type Publication = { offset: number; data: string };

export type Subscription = {
  recoverable: true;
  positioned: true;
  epoch: string;
  offset: number;
  was_recovering: boolean;
  recovered: boolean;
  publications: Publication[];
};

export type ConnectResult = {
  client: string;
  version: string;
  expires: true;
  /** Seconds until the token runs out. */
  ttl: number;
  ping: number;
  pong: true;
  data: unknown;
  subs: Record<string, Subscription>;
};

export type Reply =
  | { id: number; error: ProtocolError }
  | { id: number; connect: ConnectResult }
  | { id: number; refresh: { client: string; version: string; expires: true; ttl: number } }
  | { id: number; history: { publications: Publication[]; offset: number; epoch: string } }
  | { id: number; rpc: { data: unknown } };

/**
 * Turns frames into commands, and replies into frames. JSON is one; Protobuf is another, since the SDKs for
 * Dart, Swift and Java speak nothing else.
 */
export type Codec = {
  /** Prefix of the topics that sockets of this encoding subscribe to: a frame is encoded once for all. */
  name: string;
  /** Every command of a frame; undefined for an empty one, which is a pong. @throws for anything else. */
  decode(frame: string | Buffer): (Command | undefined)[];
  reply(reply: Reply): string | Uint8Array;
  publication(channel: string, publication: Publication): string | Uint8Array;
  ping: string | Uint8Array;
};
