import type { Deps } from '../deps.ts';
import type { MediaEnv } from '../env.ts';
import type { RequestContext } from '../request-context.ts';
import { type UploadRow, updateUpload } from './uploads.repository.ts';

/** An upload gets its whole time again once so much of it has passed: not every part costs a write. */
const RENEWED_AFTER = 0.01;

/** When an upload that is touched now is given up. */
export const expiryFrom = ({ UPLOAD_EXPIRES_SECONDS }: MediaEnv) =>
  new Date(Date.now() + UPLOAD_EXPIRES_SECONDS * 1000);

/** True for what can't be gone on with; what is complete never expires, but is finished. */
export const hasExpired = ({ expiresAt, sha256 }: UploadRow) =>
  sha256 === null && expiresAt !== null && expiresAt.getTime() <= Date.now();

/** Counts the time of an upload anew. */
export async function renew({ db, env }: Deps, upload: UploadRow): Promise<Date | null> {
  const { expiresAt } = upload;
  if (expiresAt === null) return null;
  const fresh = expiryFrom(env);
  const passed = fresh.getTime() - expiresAt.getTime();
  if (passed < env.UPLOAD_EXPIRES_SECONDS * 1000 * RENEWED_AFTER) return expiresAt;
  await updateUpload(db, upload.id, { expiresAt: fresh });
  return fresh;
}

/** MUST: in every answer to PATCH, and to POST, when the upload is going to expire; as an HTTP date. */
export function tellExpiry(c: RequestContext, expiresAt: Date | null): void {
  if (expiresAt !== null) c.header('Upload-Expires', expiresAt.toUTCString());
}
