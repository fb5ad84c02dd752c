import { describe, expect, test } from 'bun:test';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { blobStoreContract } from './blob-store.contract.ts';
import { onDisk, writeAll } from './disk.ts';
import { diskStore } from './disk-store.ts';
import { diskUploadStore } from './disk-upload-store.ts';
import { uploadStoreContract } from './upload-store.contract.ts';

blobStoreContract('disk', async (folder) => ({
  store: await diskStore(join(folder, 'blobs')),
  close: async () => {},
}));

uploadStoreContract('disk', async (folder) => {
  const blobs = await diskStore(join(folder, 'blobs'));
  const other = () => diskUploadStore({ root: join(folder, 'uploads'), blobs });
  return { blobs, store: await other(), other, close: async () => {} };
});

describe('a full disk', () => {
  test('is the problem insufficient_storage', async () => {
    const full = await open('/dev/full', 'a');
    try {
      const write = onDisk(() => writeAll(full, new Uint8Array(10)));
      await expect(write).rejects.toMatchObject({ code: 'insufficient_storage', status: 507 });
    } finally {
      await full.close();
    }
  });
});
