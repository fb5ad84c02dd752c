import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HANG_MS } from '../testing/hang.ts';
import { type BlobBody, type BlobStore, newBlobKey } from './blob-store.ts';

type Opened = { store: BlobStore; close(): Promise<void> };

/** What every blob store keeps; `open` is given a folder whose files the store may take over. */
export function blobStoreContract(
  name: string,
  open: (folder: string) => Promise<Opened>,
  describeIt: (name: string, body: () => void) => void = describe,
): void {
  describeIt(`a blob store on ${name}`, () => {
    let folder: string;
    let opened: Opened;
    let store: BlobStore;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tertulia-blobs-'));
      opened = await open(folder);
      store = opened.store;
    }, HANG_MS);
    afterAll(async () => {
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function stage(text: string): Promise<string> {
      const path = join(folder, newBlobKey());
      await writeFile(path, text);
      return path;
    }

    async function putText(text: string): Promise<string> {
      const key = newBlobKey();
      await store.put(key, await stage(text));
      return key;
    }

    const read = (body: BlobBody | undefined) => new Response(body).text();

    test('what was put is read back, and the file is gone', async () => {
      const [key, path] = [newBlobKey(), await stage('hello blob')];
      await store.put(key, path);
      expect(await store.size(key)).toBe(10);
      expect(await read(await store.open(key))).toBe('hello blob');
      expect(await Bun.file(path).exists()).toBe(false);
    });

    test('ranges count both ends', async () => {
      const key = await putText('0123456789');
      expect(await read(await store.open(key, { start: 0, end: 0 }))).toBe('0');
      expect(await read(await store.open(key, { start: 3, end: 6 }))).toBe('3456');
      expect(await read(await store.open(key, { start: 9, end: 9 }))).toBe('9');
    });

    test('a file of more than one part of a store is whole, also in pieces', async () => {
      const text = Buffer.alloc(5_600_000, '0123456789abcdefghijklm').toString('latin1');
      const key = await putText(text);
      expect(await store.size(key)).toBe(text.length);
      const source = await store.source(key);
      expect(source?.size).toBe(text.length);
      expect(Buffer.from((await source?.slice(5_242_876, 5_242_892).bytes()) ?? []).toString()).toBe(
        text.slice(5_242_876, 5_242_892),
      );
      expect(await read(await store.open(key))).toBe(text);
    });

    test('a put that went through may be repeated', async () => {
      const [key, path] = [newBlobKey(), await stage('once')];
      await store.put(key, path);
      await store.put(key, path);
      expect(await read(await store.open(key))).toBe('once');
    });

    test('a put of nothing fails', async () => {
      await expect(store.put(newBlobKey(), join(folder, 'absent'))).rejects.toThrow();
    });

    test('an absent blob is undefined, and removing it does nothing', async () => {
      const key = newBlobKey();
      expect(await store.size(key)).toBeUndefined();
      expect(await store.open(key)).toBeUndefined();
      expect(await store.source(key)).toBeUndefined();
      await store.remove(key);
    });

    test('a removed blob is gone', async () => {
      const key = await putText('short life');
      await store.remove(key);
      expect(await store.open(key)).toBeUndefined();
    });

    test('a blob that is removed while it is read is read to its end', async () => {
      const text = 'x'.repeat(3_000_000);
      const key = await putText(text);
      const body = await store.open(key);
      if (body === undefined) throw new Error('absent');
      const reader = (body instanceof Blob ? body.stream() : body).getReader();
      let length = (await reader.read()).value?.length ?? 0;
      await store.remove(key);
      for (let part = await reader.read(); !part.done; part = await reader.read())
        length += part.value.length;
      expect(length).toBe(text.length);
    });

    test.each(['../../etc/passwd', '', 'ABC', '/etc/passwd'])('refuses the key %p', async (key) => {
      await expect(Promise.try(() => store.open(key))).rejects.toThrow('not a blob key');
      await expect(Promise.try(() => store.remove(key))).rejects.toThrow('not a blob key');
    });

    test('is up', async () => {
      await store.ping();
    });
  });
}
