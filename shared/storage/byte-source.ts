/** Some bytes at rest, which are only read when they are asked for. */
export type Bytes = {
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array>;
  stream(): ReadableStream<Uint8Array>;
};

/** Bytes at rest that can be read here and there, without reading the rest. A `Blob` is one. */
export type ByteSource = Bytes & {
  readonly size: number;
  /** From `start` up to and without `end`. */
  slice(start: number, end: number): Bytes;
};
