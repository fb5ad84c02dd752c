import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outbox } from '@tertulia/shared/events/tables';
import { eventually } from '@tertulia/shared/testing/eventually';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { createTestDatabase, type TestDatabase } from '@tertulia/shared/testing/postgres';
import { like } from 'drizzle-orm';
import { MIGRATIONS } from '../deps.ts';
import { png, sha256 } from '../testing/fixtures.ts';
import { rawClient, requestHead } from '../testing/raw-client.ts';
import { killLeftovers, type ServiceProcess, startKeySet, startService } from '../testing/service-process.ts';

const file = png(8 * 1024 * 1024);
let database: TestDatabase;
let events: TestDatabase;
let keySet: Awaited<ReturnType<typeof startKeySet>>;
let folder: string;
let env: Record<string, string>;
let token: string;
beforeAll(async () => {
  [database, events, keySet, folder] = await Promise.all([
    createTestDatabase(MIGRATIONS),
    createTestDatabase(MIGRATIONS),
    startKeySet(),
    mkdtemp(join(tmpdir(), 'tertulia-media-')),
  ]);
  token = await keySet.token();
  env = {
    NODE_ENV: 'test',
    MEDIA_DATABASE_URL: database.url,
    EVENTS_DATABASE_URL: events.url,
    AUTH_URL: keySet.url,
    DATA_DIR: folder,
  };
});
afterAll(async () => {
  killLeftovers();
  await Promise.all([database.drop(), events.drop(), rm(folder, { recursive: true, force: true })]);
  await keySet.stop();
});

const base = () => ({ Authorization: `Bearer ${token}`, 'Tus-Resumable': '1.0.0' });
const octets = { 'Content-Type': 'application/offset+octet-stream' };

function calls(service: ServiceProcess) {
  const at = (path: string) => `http://127.0.0.1:${service.port}${path}`;
  return {
    async start(): Promise<string> {
      const headers = { ...base(), 'Upload-Length': String(file.length) };
      const { headers: answered } = await fetch(at('/media/uploads'), { method: 'POST', headers });
      return answered.get('Location') ?? '';
    },
    head: (path: string) => fetch(at(path), { method: 'HEAD', headers: base() }),
    patch: (path: string, offset: number, body: Uint8Array) =>
      fetch(at(path), {
        method: 'PATCH',
        headers: { ...base(), ...octets, 'Upload-Offset': String(offset) },
        body: body.slice(),
      }),
    content: (id: string | null) => fetch(at(`/media/${id}/content`), { headers: base() }),
  };
}

const diskFile = (path: string) => Bun.file(join(folder, 'media/uploads', path.split('/').at(-1) ?? ''));

/** Begins a PATCH of the whole file and sends some of it, until that is on disk. */
async function begin(service: ServiceProcess, path: string, part: number) {
  const client = await rawClient(service.port);
  const headers = { ...base(), ...octets, 'Upload-Offset': '0', 'Content-Length': String(file.length) };
  await client.send(requestHead('PATCH', path, headers));
  await client.send(file.subarray(0, part));
  const onDisk = diskFile(path);
  await eventually(async () => (await onDisk.exists()) && (await onDisk.stat()).size === part);
  return client;
}

async function announced(mediaId: string | null): Promise<number> {
  const rows = await database.db
    .select()
    .from(outbox)
    .where(like(outbox.envelope, `%"type":"media.uploaded"%${mediaId}%`));
  return rows.length;
}

describe('a service that is killed', () => {
  test(
    'in the middle of a PATCH has lost nothing that reached it',
    async () => {
      let service = await startService(env);
      const path = await calls(service).start();
      const first = await calls(service).patch(path, 0, file.subarray(0, 1_000_000));
      expect(first.headers.get('Upload-Offset')).toBe('1000000');
      const client = await rawClient(service.port);
      const headers = { ...base(), ...octets, 'Upload-Offset': '1000000', 'Content-Length': '7000000' };
      await client.send(requestHead('PATCH', path, headers));
      await client.send(file.subarray(1_000_000, 3_000_000));
      const onDisk = diskFile(path);
      await eventually(async () => (await onDisk.stat()).size > 1_000_000);
      await service.kill('SIGKILL');

      service = await startService(env);
      const head = await calls(service).head(path);
      const offset = Number(head.headers.get('Upload-Offset'));
      expect(offset).toBe((await onDisk.stat()).size);
      expect(offset).toBeGreaterThan(1_000_000);
      const last = await calls(service).patch(path, offset, file.subarray(offset));
      expect(last.status).toBe(204);
      const id = last.headers.get('Media-Id');
      expect(sha256(await (await calls(service).content(id)).bytes())).toBe(sha256(file));
      expect(await announced(id)).toBe(1);
      await service.kill('SIGKILL');
    },
    HANG_MS,
  );

  test(
    'in the middle of a PATCH with a checksum shows nothing that was not verified',
    async () => {
      let service = await startService(env);
      const path = await calls(service).start();
      await calls(service).patch(path, 0, file.subarray(0, 1_000_000));
      const rest = file.subarray(1_000_000);
      const client = await rawClient(service.port);
      const checksum = new Bun.CryptoHasher('sha1').update(rest).digest('base64');
      const headers = {
        ...base(),
        ...octets,
        'Upload-Offset': '1000000',
        'Upload-Checksum': `sha1 ${checksum}`,
      };
      await client.send(requestHead('PATCH', path, { ...headers, 'Content-Length': String(rest.length) }));
      // Other bytes than were meant: had they been kept, the whole would be wrong.
      await client.send(rest.slice(0, 2_000_000).fill(7));
      const onDisk = diskFile(path);
      await eventually(async () => (await onDisk.stat()).size >= 3_000_000);
      await service.kill('SIGKILL');

      service = await startService(env);
      expect((await calls(service).head(path)).headers.get('Upload-Offset')).toBe('1000000');
      const last = await calls(service).patch(path, 1_000_000, rest);
      const id = last.headers.get('Media-Id');
      expect(sha256(await (await calls(service).content(id)).bytes())).toBe(sha256(file));
      await service.kill('SIGKILL');
    },
    HANG_MS,
  );

  test(
    'while it finishes makes one media and one event all the same',
    async () => {
      let service = await startService(env);
      const path = await calls(service).start();
      const onDisk = diskFile(path);
      // Each time killed a little further on, in the end with all of it there.
      for (let offset = 0; offset < file.length; ) {
        const sent = offset;
        const answer = calls(service)
          .patch(path, sent, file.subarray(sent))
          .catch(() => undefined);
        const aim = Math.min(sent + 2_000_000, file.length);
        await eventually(
          async () => (sent > 0 && !(await onDisk.exists())) || (await onDisk.stat()).size >= aim,
        );
        await service.kill('SIGKILL');
        await answer;
        service = await startService(env);
        const { status, headers } = await calls(service).head(path);
        expect(status).toBe(200);
        offset = Number(headers.get('Upload-Offset'));
        expect(headers.has('Media-Id')).toBe(offset === file.length);
      }
      const id = (await calls(service).head(path)).headers.get('Media-Id');
      expect(sha256(await (await calls(service).content(id)).bytes())).toBe(sha256(file));
      expect(await announced(id)).toBe(1);
      await service.kill('SIGKILL');
    },
    HANG_MS,
  );
});

describe('a service that is told to stop', () => {
  test(
    'stores and answers what is under way, and exits 0',
    async () => {
      let service = await startService(env);
      const path = await calls(service).start();
      const client = await begin(service, path, 2_000_000);
      const code = service.kill('SIGTERM');
      expect(await client.status()).toBe(503);
      expect(await code).toBe(0);
      service = await startService(env);
      expect((await calls(service).head(path)).headers.get('Upload-Offset')).toBe('2000000');
      await service.kill('SIGTERM');
    },
    HANG_MS,
  );
});

describe('steps of finishing that were cut short', () => {
  test.each(['before the seal', 'before the blob', 'before the row'])(
    '%s are taken up by a HEAD',
    async (cut) => {
      const { createTestApp } = await import('../test-app.ts');
      const { tusClient } = await import('../testing/tus.ts');
      const { sealUpload } = await import('./uploads.repository.ts');
      const media = await createTestApp();
      const ana = await media.user();
      const small = png(3000);
      const path = await tusClient(media, ana).start(small.length);
      const id = path.split('/').at(-1) ?? '';
      const file = join(media.folder, 'media/uploads', id);
      await Bun.write(file, small);
      if (cut !== 'before the seal') {
        await sealUpload(media.database.db, id, {
          kind: 'image',
          mimeType: 'image/png',
          sha256: sha256(small),
        });
      }
      if (cut === 'before the row') {
        const upload = await media.deps.findUpload(id, ana.id);
        await media.deps.blobs.put(upload?.blobKey ?? '', file);
      }
      const head = await tusClient(media, ana).head(path);
      expect(head.status).toBe(200);
      expect(head.headers.get('Upload-Offset')).toBe(String(small.length));
      const content = await media.app.request(`/media/${head.headers.get('Media-Id')}/content`);
      expect(sha256(await content.bytes())).toBe(sha256(small));
      expect(await media.events()).toHaveLength(1);
      expect(await media.files()).toHaveLength(1);
      await media.close();
    },
  );
});
