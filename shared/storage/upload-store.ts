import type { ByteSource } from './byte-source.ts';

/** What a store knows an upload by: columns of its row. */
export type StoredUpload = Readonly<{
  id: string;
  /** Each has bytes of its own: who still writes to an older one reaches nothing of the newer. */
  generation: number;
  /** Where its bytes go when it is published. */
  blobKey: string;
  /** What {@link UploadStore.begin} or {@link UploadStore.advance} answered, for this generation. */
  storeRef: string | null;
}>;

/** One at a time per upload and generation: whoever appends holds the upload's lock. */
export type UploadWriter = {
  /** Adds bytes at the end; they may be used otherwise once it resolves. A full store: `insufficient_storage`. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Ends the writer, and tells up to which offset bytes are safe from now on: in the kernel's hands on a disk,
   * in S3 on S3. To be called in every case, unless {@link drop} is, also when a write has failed.
   */
  close(): Promise<number>;
  /** Ends a tentative writer, and takes back all that it wrote. */
  drop(): Promise<void>;
};

/** Something that lies in a store for an upload: what knows of it, and how to let go of it. */
export type Remains = {
  /** For people. */
  label: string;
  modified: Date;
  /** The generation that it is of, or else S3's id. */
  of: { id: string; generation: number } | { storeRef: string };
  remove(): Promise<unknown>;
};

/**
 * Where the bytes of uploads under way lie. The truth about an offset is the store's, whatever process wrote
 * and however it ended.
 */
export type UploadStore = {
  /**
   * Before a writer, after {@link size}: makes room where there is none yet. What it returns belongs into the
   * row as `storeRef`; most often it is there already.
   */
  begin(upload: StoredUpload): Promise<string | null>;
  /** Bytes held; an upload that has none holds 0, a published one those of its blob. */
  size(upload: StoredUpload): Promise<number>;
  /**
   * Goes on at `offset`, which is the size; what an interrupted tentative writer left beyond is cut. What a
   * tentative writer wrote counts with its `close`, not before, whatever happens in between.
   */
  append(upload: StoredUpload, offset: number, options?: { tentative?: boolean }): Promise<UploadWriter>;
  /**
   * Ends writing: all bytes can be read. Repeating it does no harm. Where the store has lost bytes it throws,
   * and the upload starts over, at 0.
   */
  complete(upload: StoredUpload): Promise<void>;
  /** The bytes of what is complete or published; undefined when there are none. */
  read(upload: StoredUpload): Promise<ByteSource | undefined>;
  /** Makes `into` of the bytes of complete uploads, in order, which stay. Returns its size; may be repeated. */
  join(into: StoredUpload, parts: readonly StoredUpload[]): Promise<number>;
  /**
   * Carries the bytes over to a newer generation, which the writer of the present one can't reach any more.
   * Returns that generation's `storeRef`. The present one's bytes stay until its name is removed.
   */
  advance(upload: StoredUpload, generation: number): Promise<string | null>;
  /** A complete upload becomes the blob of its key, durably. Repeating it does no harm. */
  publish(upload: StoredUpload): Promise<void>;
  /** Names the bytes of a generation, for {@link UploadStore.remove}, which needs no row. */
  nameOf(upload: StoredUpload): string;
  /** Lets go of a generation's bytes; a published blob stays. Does nothing when there are none. */
  remove(name: string): Promise<void>;
  /** All that lies here of uploads, a bounded number in memory at a time. */
  list(): AsyncIterable<Remains>;
  /** Rejects while the store cannot be used. */
  ping(): Promise<unknown>;
};
