import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HANG_MS } from '../testing/hang.ts';
import { type BlobStore, newBlobKey } from './blob-store.ts';
import type { StoredUpload, UploadStore } from './upload-store.ts';

const MIB = 1024 * 1024;

type Opened = {
  blobs: BlobStore;
  store: UploadStore;
  /** The same bytes seen by another process. */
  other(): Promise<UploadStore>;
  close(): Promise<void>;
};

/** Bytes that tell a swapped or lost part: a short random one, changed at every turn. */
function pattern(length: number, seed = 7): Uint8Array {
  const turn = new Bun.CryptoHasher('sha512').update(String(seed)).digest();
  const out = Buffer.alloc(length, turn);
  for (let at = 0; at + 4 <= length; at += 4096) out.writeUInt32LE(at ^ seed, at);
  return out;
}

const digest = (bytes: Uint8Array) => new Bun.CryptoHasher('sha256').update(bytes).digest('hex');

/** What every upload store keeps; `open` is given a folder of its own. */
export function uploadStoreContract(
  name: string,
  open: (folder: string) => Promise<Opened>,
  describeIt: (name: string, body: () => void) => void = describe,
): void {
  describeIt(`an upload store on ${name}`, () => {
    let folder: string;
    let opened: Opened;
    let store: UploadStore;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tertulia-uploads-'));
      opened = await open(folder);
      store = opened.store;
    }, HANG_MS);
    afterAll(async () => {
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function begun(): Promise<StoredUpload> {
      const upload = { id: Bun.randomUUIDv7(), generation: 0, blobKey: newBlobKey(), storeRef: null };
      return { ...upload, storeRef: await store.begin(upload) };
    }

    /** Adds bytes in writes of some size, and returns the offset that the writer vouches for. */
    async function add(upload: StoredUpload, offset: number, bytes: Uint8Array, by = store, each = MIB) {
      const writer = await by.append(upload, offset);
      for (let at = 0; at < bytes.length; at += each) await writer.write(bytes.slice(at, at + each));
      return writer.close();
    }

    async function filled(bytes: Uint8Array): Promise<StoredUpload> {
      const upload = await begun();
      await add(upload, 0, bytes);
      return upload;
    }

    async function published(upload: StoredUpload): Promise<string | undefined> {
      await store.complete(upload);
      await store.publish(upload);
      const body = await opened.blobs.open(upload.blobKey);
      return body === undefined ? undefined : digest(await new Response(body).bytes());
    }

    test('an upload that has no bytes holds none', async () => {
      const upload = await begun();
      expect(await store.size(upload)).toBe(0);
      expect(await add(upload, 0, new Uint8Array())).toBe(0);
      expect(await store.size({ ...upload, id: Bun.randomUUIDv7(), blobKey: newBlobKey() })).toBe(0);
    });

    test('what a writer vouched for is there in every process, be it small or large', async () => {
      const file = pattern(11 * MIB + 345);
      const upload = await begun();
      const other = await opened.other();
      let offset = 0;
      // Tails that grow, a tail that becomes a part, parts and a tail at once, and a last short piece.
      for (const [at, end] of [1000, 2500, 5 * MIB, 5 * MIB + 1, 11 * MIB, file.length].entries()) {
        const [by, look] = at % 2 === 0 ? [store, other] : [other, store];
        expect(await look.size(upload)).toBe(offset);
        offset = await add(upload, offset, file.subarray(offset, end), by);
        expect(offset).toBe(end);
        expect(await look.size(upload)).toBe(offset);
      }
      expect(await published(upload)).toBe(digest(file));
    });

    test('a writer has done with the bytes once they are written', async () => {
      const upload = await begun();
      const writer = await store.append(upload, 0);
      const buffer = new Uint8Array(1000);
      for (const value of [1, 2, 3]) {
        buffer.fill(value);
        await writer.write(buffer);
      }
      buffer.fill(9);
      await writer.close();
      await store.complete(upload);
      const bytes = await (await store.read(upload))?.bytes();
      expect([bytes?.[0], bytes?.[1000], bytes?.[2999], bytes?.length]).toEqual([1, 2, 3, 3000]);
    });

    test('tentative bytes count with close', async () => {
      const file = pattern(50_000);
      const upload = await begun();
      await add(upload, 0, file.subarray(0, 100));
      const writer = await store.append(upload, 100, { tentative: true });
      await writer.write(file.subarray(100, 40_000));
      expect(await store.size(upload)).toBe(100);
      await writer.write(file.subarray(40_000));
      expect(await writer.close()).toBe(file.length);
      expect(await store.size(upload)).toBe(file.length);
      expect(await published(upload)).toBe(digest(file));
    });

    test('tentative bytes are gone with drop, and with a process that was killed', async () => {
      const file = pattern(3000);
      const upload = await begun();
      await add(upload, 0, file.subarray(0, 100));
      const dropped = await store.append(upload, 100, { tentative: true });
      await dropped.write(pattern(2000, 11));
      await dropped.drop();
      expect(await store.size(upload)).toBe(100);
      // Never closed, as if killed.
      const killed = await store.append(upload, 100, { tentative: true });
      await killed.write(pattern(2500, 13));
      expect(await (await opened.other()).size(upload)).toBe(100);
      expect(await add(upload, 100, file.subarray(100, 1500))).toBe(1500);
      expect(await add(upload, 1500, file.subarray(1500))).toBe(3000);
      expect(await published(upload)).toBe(digest(file));
      await killed.drop();
    });

    test('a complete upload is read here and there', async () => {
      const file = pattern(70_000);
      const upload = await filled(file);
      await store.complete(upload);
      await store.complete(upload);
      const source = await store.read(upload);
      expect(source?.size).toBe(file.length);
      expect(await source?.slice(10, 20).bytes()).toEqual(file.slice(10, 20));
      expect((await source?.slice(69_990, 80_000).arrayBuffer())?.byteLength).toBe(10);
      expect(digest(await new Response(source?.stream()).bytes())).toBe(digest(file));
    });

    test('publishing may be repeated, and the blob stays when the upload goes', async () => {
      const file = pattern(4000);
      const upload = await filled(file);
      expect(await published(upload)).toBe(digest(file));
      await store.publish(upload);
      expect(await store.size(upload)).toBe(file.length);
      await store.remove(store.nameOf(upload));
      expect(await opened.blobs.size(upload.blobKey)).toBe(file.length);
    });

    test('joining makes one of several, whatever their sizes, and may be repeated', async () => {
      const sizes = [100, 5 * MIB + 10, 200, 300, 6 * MIB, 77];
      const pieces = sizes.map((size, at) => pattern(size, at * 2 + 3));
      const parts = [];
      for (const piece of pieces) parts.push(await filled(piece));
      for (const part of parts) await store.complete(part);
      const whole = Buffer.concat(pieces);
      const into = { id: Bun.randomUUIDv7(), generation: 0, blobKey: newBlobKey(), storeRef: null };
      expect(await store.join(into, parts)).toBe(whole.length);
      expect(await store.join(into, parts)).toBe(whole.length);
      expect(await store.size(into)).toBe(whole.length);
      expect(await published(into)).toBe(digest(whole));
      expect(await (await store.read(parts[0] ?? into))?.bytes()).toEqual(pieces[0] ?? new Uint8Array());
    });

    test('a writer of an older generation reaches nothing of the newer', async () => {
      const file = pattern(6 * MIB + 9);
      const upload = await begun();
      const kept = 5 * MIB + 300;
      await add(upload, 0, file.subarray(0, kept));
      const stalled = await store.append(upload, kept);
      await stalled.write(pattern(1000, 17));
      const storeRef = await store.advance(upload, 1);
      const newer = { ...upload, generation: 1, storeRef };
      const offset = await store.size(newer);
      expect(offset).toBeGreaterThanOrEqual(kept);
      const ended = (async () => {
        await stalled.write(pattern(5 * MIB, 19));
        await stalled.close();
      })().catch(() => {});
      const at = Math.min(offset, kept);
      await add(newer, at, file.subarray(at));
      await ended;
      expect(await store.size(newer)).toBe(file.length);
      await store.remove(store.nameOf(upload));
      expect(await published(newer)).toBe(digest(file));
    });

    test('a removed upload is gone, tentative bytes too; removing nothing does nothing', async () => {
      const upload = await filled(pattern(5 * MIB + 10));
      const writer = await store.append(upload, 5 * MIB + 10, { tentative: true });
      await writer.write(new Uint8Array(10));
      await writer.drop();
      await store.remove(store.nameOf(upload));
      await store.remove(store.nameOf(upload));
      expect(await (await opened.other()).size(upload)).toBe(0);
    });

    test.each(['../../etc/passwd', 'x/../../y'])('refuses the name %p', async (bad) => {
      await expect(Promise.try(() => store.remove(bad))).rejects.toThrow('of ours');
    });

    test('is up', async () => {
      await store.ping();
    });
  });
}
