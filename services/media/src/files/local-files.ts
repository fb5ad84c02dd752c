import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { canWrite, unlessAbsent } from '@tertulia/shared/storage/disk';

/** A flat folder of files that are being received, each named by a UUID of ours. */
export type LocalFiles = {
  path(id: string): string;
  /** Opens at the end, makes it when absent. */
  append(id: string): Promise<FileHandle>;
  remove(id: string): Promise<void>;
  /** Removes what nothing has written to since then. */
  removeOlder(than: Date): Promise<void>;
  ping(): Promise<unknown>;
};

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export async function openLocalFiles(root: string): Promise<LocalFiles> {
  const base = resolve(root);
  await mkdir(base, { recursive: true });
  const path = (id: string) => {
    // Ids come from our own rows; this holds should a route ever forget to look there first.
    if (!ID.test(id)) throw new Error('not an id of ours');
    return join(base, id);
  };
  const remove = (id: string) => rm(path(id), { force: true });
  return {
    path,
    append: (id) => open(path(id), 'a', 0o600),
    remove,
    async removeOlder(than) {
      for (const id of (await readdir(base)).filter((name) => ID.test(name))) {
        const found = await unlessAbsent(stat(path(id)));
        if (found !== undefined && found.mtime < than) await remove(id);
      }
    },
    ping: () => canWrite(base),
  };
}
