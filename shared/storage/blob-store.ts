import type { ByteSource } from './byte-source.ts';

/** First and last byte, both included, as in `Content-Range`. */
export type ByteRange = { start: number; end: number };

/** Bytes on their way out: what `new Response` takes. */
export type BlobBody = Blob | ReadableStream<Uint8Array>;

/**
 * Where the bytes of media rest. A blob is written once, whole, and never changed. Keys come from
 * {@link newBlobKey}, never from a client. A full store throws the problem `insufficient_storage`.
 */
export type BlobStore = {
  /**
   * Takes a finished local file over; afterwards the blob is durable and the file is gone. Repeating a call
   * that went through, or one that was cut short, does no harm.
   */
  put(key: string, path: string): Promise<void>;
  /** Bytes held; undefined when there is no such blob. */
  size(key: string): Promise<number | undefined>;
  /** The blob or a range within it; undefined when there is no such blob. */
  open(key: string, range?: ByteRange): Promise<BlobBody | undefined>;
  /** The blob, for reading here and there; undefined when there is no such blob. */
  source(key: string): Promise<ByteSource | undefined>;
  /** Does nothing when there is no such blob. Who is reading it reads on to the end. */
  remove(key: string): Promise<void>;
  /** All blobs, a bounded number of them in memory at a time. */
  list(): AsyncIterable<Listed>;
  /** Of a store that browsers may reach themselves: an address of the blob that is good for some time. */
  presign?(key: string, as: Presigned): Promise<string>;
  /** Rejects while the store cannot be used. */
  ping(): Promise<unknown>;
};

/** A blob as a store lists it. */
export type Listed = { key: string; size: number; modified: Date };

/** What comes with a presigned address: for how long, and the headers of its answer. */
export type Presigned = { seconds: number; mimeType: string; disposition: string; cacheControl: string };

/** 128 random bits in hex: tells nothing, and cannot be guessed. */
export function newBlobKey(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');
}

/** @throws when it is not of {@link newBlobKey}'s making, as that is a mistake of ours. */
export function assertBlobKey(key: string): void {
  if (!/^[0-9a-f]{32}$/.test(key)) throw new Error('not a blob key');
}
