import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { assertBlobKey, type BlobStore } from './blob-store.ts';
import { canWrite, onDisk, syncPath, unlessAbsent } from './disk.ts';

const KEY = /^[0-9a-f]{32}$/;

/**
 * Blobs as files in two levels of folders. What is put must lie on the same file system: it is renamed, so
 * a blob is there whole or not at all.
 */
export async function diskStore(root: string): Promise<BlobStore> {
  const base = resolve(root);
  await mkdir(base, { recursive: true });
  const pathOf = (key: string) => {
    assertBlobKey(key);
    return join(base, key.slice(0, 2), key.slice(2, 4), key);
  };
  const sizeOf = async (key: string) => (await unlessAbsent(stat(pathOf(key))))?.size;

  return {
    put: (key, path) =>
      onDisk(async () => {
        const target = pathOf(key);
        const [upper, lower] = [dirname(dirname(target)), dirname(target)];
        await mkdir(lower, { recursive: true });
        const found = await unlessAbsent(syncPath(path).then(() => true));
        if (found === undefined && (await sizeOf(key)) === undefined) {
          throw new Error('neither the file to put nor its blob is there');
        }
        if (found) await rename(path, target);
        // The entries too: file, then both folders, since either may be new.
        for (const folder of [lower, upper, base]) await syncPath(folder);
      }),
    size: sizeOf,
    async open(key, range) {
      const file = Bun.file(pathOf(key));
      if (!(await file.exists())) return undefined;
      return range === undefined ? file : file.slice(range.start, range.end + 1);
    },
    async source(key) {
      const file = Bun.file(pathOf(key));
      return (await file.exists()) ? file : undefined;
    },
    async *list() {
      for await (const path of new Bun.Glob('??/??/*').scan({ cwd: base, onlyFiles: true })) {
        const key = basename(path);
        const found = KEY.test(key) ? await unlessAbsent(stat(join(base, path))) : undefined;
        if (found !== undefined) yield { key, size: found.size, modified: found.mtime };
      }
    },
    remove: (key) => rm(pathOf(key), { force: true }),
    ping: () => canWrite(base),
  };
}
