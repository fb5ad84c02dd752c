import { constants } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  mkdir,
  open,
  opendir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BlobStore } from './blob-store.ts';
import { canWrite, onDisk, unlessAbsent, writeAll } from './disk.ts';
import { createEarlyFlush } from './early-flush.ts';
import type { StoredUpload, UploadStore, UploadWriter } from './upload-store.ts';

const NAME = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.\d{1,9})?$/;
const COPY_BYTES = 1024 * 1024;

type Options = {
  /** On the blobs' file system: publishing is a rename. */
  root: string;
  blobs: BlobStore;
  /** Writes everything through when a writer closes: a loss of power then loses nothing acknowledged. */
  syncEach?: boolean;
};

/**
 * Uploads as growing files in one folder, named by id and generation; a file's size is the offset. A file
 * `.held` beside one holds the offset from which on bytes are tentative.
 */
export async function diskUploadStore({ root, blobs, syncEach = false }: Options): Promise<UploadStore> {
  const base = resolve(root);
  await mkdir(base, { recursive: true });
  const flushes = createEarlyFlush();

  const pathOf = (name: string) => {
    // Names are made of our own rows; this holds should a route ever forget to look there first.
    if (!NAME.test(name)) throw new Error('not an upload of ours');
    return join(base, name);
  };
  const fileOf = (upload: StoredUpload) => pathOf(nameOf(upload));

  async function sizeOf(path: string): Promise<number | undefined> {
    const [found, held] = await Promise.all([unlessAbsent(stat(path)), unlessAbsent(readFile(heldOf(path)))]);
    if (found === undefined || held === undefined) return found?.size;
    // A note that was cut short was written before any byte.
    return Math.min(found.size, held.length === 8 ? Number(held.readBigUInt64BE()) : found.size);
  }

  async function openAt(path: string, offset: number, tentative: boolean): Promise<FileHandle> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      if ((await file.stat()).size > offset) await file.truncate(offset);
      // Only now: until the cut, the older note kept what lies beyond from being counted.
      if (tentative) await hold(path, offset);
      else await rm(heldOf(path), { force: true });
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async function writerAt(path: string, offset: number, tentative: boolean): Promise<UploadWriter> {
    const file = await openAt(path, offset, tentative);
    let at = offset;
    return {
      write: (bytes) =>
        onDisk(async () => {
          await writeAll(file, bytes, at);
          flushes.grown(path, at, at + bytes.length);
          at += bytes.length;
        }),
      close: () =>
        onDisk(async () => {
          try {
            if (syncEach) await file.sync();
          } finally {
            await file.close();
          }
          if (tentative) await rm(heldOf(path), { force: true });
          return at;
        }),
      drop: () =>
        onDisk(async () => {
          try {
            await file.truncate(offset);
          } finally {
            await file.close();
          }
          await rm(heldOf(path), { force: true });
        }),
    };
  }

  async function removeFile(path: string): Promise<void> {
    await rm(path, { force: true });
    await rm(heldOf(path), { force: true });
  }

  return {
    begin: async () => null,
    async size(upload) {
      return (await sizeOf(fileOf(upload))) ?? (await blobs.size(upload.blobKey)) ?? 0;
    },
    append: (upload, offset, options) =>
      onDisk(() => writerAt(fileOf(upload), offset, options?.tentative === true)),
    async complete(upload) {
      const path = fileOf(upload);
      try {
        await onDisk(() => flushes.settle(path));
      } catch (error) {
        await removeFile(path);
        throw error;
      }
    },
    async read(upload) {
      const file = Bun.file(fileOf(upload));
      if (await file.exists()) return file;
      return blobs.source(upload.blobKey);
    },
    join: (into, parts) =>
      onDisk(async () => {
        const target = fileOf(into);
        const file = await openAt(target, 0, false);
        try {
          let at = 0;
          for (const part of parts) at = await copyInto(file, at, fileOf(part));
          return at;
        } finally {
          await file.close();
        }
      }),
    advance: (upload, generation) =>
      onDisk(async () => {
        const [from, to] = [fileOf(upload), fileOf({ ...upload, generation })];
        // Sized first: what the present writer adds meanwhile was never acknowledged.
        const size = await sizeOf(from);
        await removeFile(to);
        if (size === undefined) return null;
        await copyFile(from, to, constants.COPYFILE_FICLONE);
        await truncate(to, size);
        return null;
      }),
    publish: (upload) => blobs.put(upload.blobKey, fileOf(upload)),
    nameOf,
    remove: async (name) => removeFile(pathOf(name)),
    async *list() {
      for await (const file of await opendir(base)) {
        const name = file.name.replace(/\.held$/, '');
        if (!NAME.test(name)) continue;
        const path = join(base, file.name);
        const found = await unlessAbsent(stat(path));
        if (found === undefined) continue;
        const [id = '', generation = '0'] = name.split('.');
        yield {
          label: `uploads/${file.name}`,
          modified: found.mtime,
          of: { id, generation: Number(generation) },
          remove: () => rm(path, { force: true }),
        };
      }
    },
    ping: () => canWrite(base),
  };
}

/** The first generation bears the id alone. */
const nameOf = ({ id, generation }: StoredUpload) => (generation === 0 ? id : `${id}.${generation}`);
const heldOf = (path: string) => `${path}.held`;

async function hold(path: string, offset: number): Promise<void> {
  const note = Buffer.alloc(8);
  note.writeBigUInt64BE(BigInt(offset));
  await writeFile(heldOf(path), note, { mode: 0o600 });
}

/** Returns the place after the last byte. */
async function copyInto(file: FileHandle, at: number, path: string): Promise<number> {
  const source = await open(path, constants.O_RDONLY);
  const buffer = new Uint8Array(COPY_BYTES);
  let end = at;
  try {
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, COPY_BYTES, null);
      if (bytesRead === 0) return end;
      await writeAll(file, buffer.subarray(0, bytesRead), end);
      end += bytesRead;
    }
  } finally {
    await source.close();
  }
}
