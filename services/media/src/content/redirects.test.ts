import { afterAll, afterEach, beforeAll, describe, expect, setSystemTime, test } from 'bun:test';
import { startS3, type TestS3 } from '@tertulia/shared/testing/s3';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { createTestApp, type TestApp } from '../test-app.ts';
import { png, sha256 } from '../testing/fixtures.ts';
import { bearer, type OverSocket, overSocket } from '../testing/over-socket.ts';
import { hideIn, redacted, redaction } from '../testing/redacted.ts';
import { tusClient } from '../testing/tus.ts';

const file = png(300_000);

let s3: TestS3;
let media: TestApp;
let socket: OverSocket;
let ana: TestUser;
beforeAll(async () => {
  s3 = await startS3();
  const { endpoint, bucket, region, accessKeyId = '', secretAccessKey = '' } = s3.settings;
  media = await createTestApp({
    S3_DELIVERY: 'redirect',
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_REGION: region,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  });
  socket = overSocket(media);
  ana = await media.user();
});
afterAll(async () => {
  await socket?.stop();
  await media?.close();
  await s3?.stop();
});
afterEach(() => void setSystemTime());

const add = (visibility: string) => tusClient(media, ana).upload(file, { filename: 'año.png', visibility });

describe('content in a bucket that browsers may reach', () => {
  test('302 to where it is, with its type and name; no permission, no address', async () => {
    const id = await add('private');
    const path = `/media/${id}/content`;
    const { status, headers } = await socket.get(`${path}?download=1`, bearer(ana));
    expect([status, headers.get('Cache-Control')]).toEqual([302, 'private, no-store']);
    const there = new URL(headers.get('Location') ?? '');
    expect(Number(there.searchParams.get('X-Amz-Expires'))).toBe(60);
    expect(there.searchParams.get('response-content-type')).toBe('image/png');
    expect(there.searchParams.get('response-content-disposition')).toContain(`filename*=UTF-8''a%C3%B1o.png`);
    expect(sha256(await (await fetch(there)).bytes())).toBe(sha256(file));
    for (const who of [{}, bearer(await media.user())]) {
      const refused = await socket.get(path, who);
      expect([refused.status, refused.headers.get('Location')]).toEqual([404, null]);
    }
  });

  test('a tag that still holds, and HEAD, are answered here', async () => {
    const path = `/media/${await add('public')}/content`;
    expect((await socket.get(path, { 'If-None-Match': `"${sha256(file)}"` })).status).toBe(304);
    const head = await socket.get(path, {}, 'HEAD');
    expect([head.status, head.headers.get('Content-Length')]).toEqual([200, String(file.length)]);
    const beyond = await socket.get(path, { Range: 'bytes=9999999-' });
    expect([beyond.status, beyond.headers.get('Location')]).toEqual([416, null]);
  });

  test('a signed URL leads there for no longer than it is good', async () => {
    const id = await add('private');
    const { body } = await media.call('POST', `/media/${id}/sign`, { as: ana, body: { expiresIn: 60 } });
    setSystemTime(new Date(Date.now() + 40_000));
    const { headers } = await socket.get(new URL(body.url).pathname);
    const seconds = new URL(headers.get('Location') ?? '').searchParams.get('X-Amz-Expires');
    expect(Number(seconds)).toBeLessThanOrEqual(20);
  });

  test('what is hidden from others is never there for them: it comes through here, every range of it', async () => {
    const id = await add('public');
    const places = [redaction(100, 10, 'x')];
    await hideIn(media, id, file, places);
    const path = `/media/${id}/content`;
    const others = await socket.get(path);
    expect([others.status, others.headers.get('Location')]).toEqual([200, null]);
    expect(sha256(others.bytes)).toBe(sha256(redacted(file, places)));
    const part = await socket.get(path, { Range: 'bytes=2000-2999' });
    expect([part.status, sha256(part.bytes)]).toEqual([206, sha256(file.subarray(2000, 3000))]);
    expect((await socket.get(path, bearer(ana))).status).toBe(302);
  });
});
