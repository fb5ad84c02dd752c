import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { Problem } from '../http/problem.ts';

export type S3Settings = {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId?: string | undefined;
  secretAccessKey?: string | undefined;
};

/** A bucket, and the client that reaches it. */
export type Bucket = { client: S3Client; name: string };

const CONNECT_MS = 3000;
/** Silence on a connection after which a try is given up: what is sent or fetched is at most some MiB a second. */
const SILENCE_MS = 30_000;
const TRIES = 4;
/** A reader that is slow holds its connection, so there are many; Bun itself holds back at 256. */
const SOCKETS = 256;

/**
 * Without keys the client looks where the SDK looks: the machine's role, or its own variables. Paths name the
 * bucket, which every server understands. No checksums of the SDK's own: what goes out is signed with its
 * SHA-256, and older servers refuse the trailers.
 */
export function openBucket({ endpoint, bucket, region, accessKeyId, secretAccessKey }: S3Settings): Bucket {
  const keys =
    accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } };
  const client = new S3Client({
    endpoint,
    region,
    ...keys,
    forcePathStyle: true,
    maxAttempts: TRIES,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Bun's client tells of no `100 Continue`, so every part would wait for it in vain.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      requestTimeout: SILENCE_MS,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: SOCKETS, keepAlive: true },
      httpsAgent: { maxSockets: SOCKETS, keepAlive: true },
    },
  });
  return { client, name: bucket };
}

const FULL = /^(XMinioStorageFull|QuotaExceeded|StorageFull|InsufficientCapacity)/;

/**
 * Runs work on S3. A full store becomes the problem `insufficient_storage`; one that can't be reached, or
 * answers with an error of its own though it was asked several times, `unavailable`.
 */
export async function onS3<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem || !(error instanceof Error)) throw error;
    const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 503) : undefined;
    if (status === 507 || FULL.test(error.name)) {
      throw new Problem('insufficient_storage', undefined, { cause: error });
    }
    if ((status !== undefined && status >= 500) || isLost(error)) {
      throw new Problem('unavailable', undefined, { cause: error, headers: { 'Retry-After': '5' } });
    }
    throw error;
  }
}

const LOST =
  /^(ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR|Connection|Failed)/;

function isLost(error: Error): boolean {
  if (error.name === 'TimeoutError') return true;
  return 'code' in error && LOST.test(String(error.code));
}

/** Undefined instead of an object, or an upload, that is not there. */
export async function unlessMissing<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const MISSING = new Set(['NotFound', 'NoSuchKey', 'NoSuchUpload']);

export const isMissing = (error: unknown): boolean => error instanceof Error && MISSING.has(error.name);
