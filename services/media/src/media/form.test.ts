import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { removals } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png, sha256 } from '../testing/fixtures.ts';

let media: TestApp;
let ana: TestUser;
beforeAll(async () => {
  media = await createTestApp({ MEDIA_MAX_SIZE: '100000' });
  ana = await media.user();
});
afterAll(() => media.close());

type Part = [name: string, value: string | Uint8Array, filename?: string];

function form(...parts: Part[]): FormData {
  const data = new FormData();
  for (const [name, value, filename] of parts) {
    if (typeof value === 'string') data.append(name, value);
    else data.append(name, new File([value.slice()], filename ?? 'file.png', { type: 'text/html' }));
  }
  return data;
}

const send = (body: FormData, headers: Record<string, string> = {}, as: TestUser = ana) =>
  media.call('POST', '/media', { as, body, headers });

/** Refused, and no trace of it. */
async function expectNothing(status: number, body: FormData): Promise<void> {
  const [files, events] = [await media.files(), await media.events()];
  const answer = await send(body);
  expect(answer.status).toBe(status);
  expect(await media.files()).toEqual(files);
  expect(await media.events()).toEqual(events);
  expect(await media.database.db.select().from(removals)).toEqual([]);
}

describe('POST /media', () => {
  test.each([
    [
      'after',
      [
        ['file', png(3000), 'añ/../o.png'],
        ['title', 'Año'],
        ['tags', 'a, b'],
        ['visibility', 'unlisted'],
      ],
    ],
    [
      'before',
      [
        ['title', 'Año'],
        ['tags', 'a, b'],
        ['visibility', 'unlisted'],
        ['file', png(3000), 'o.png'],
      ],
    ],
  ] as [string, Part[]][])('201 with fields %s the file', async (_, parts) => {
    const { status, body, headers } = await send(form(...parts));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      ownerId: ana.id,
      kind: 'image',
      mimeType: 'image/png',
      filename: 'o.png',
      title: 'Año',
      description: '',
      tags: ['a', 'b'],
      visibility: 'unlisted',
      size: png(3000).length,
      sha256: sha256(png(3000)),
      status: 'ready',
    });
    expect(headers.get('Location')).toBe(`/media/${body.id}`);
    const content = await media.app.request(`/media/${body.id}/content`);
    expect(sha256(await content.bytes())).toBe(body.sha256);
    const told = (await media.events()).filter(({ data }) => data.mediaId === body.id);
    expect(told).toMatchObject([{ type: 'media.uploaded', data: { sha256: body.sha256 } }]);
    expect(await media.database.db.select().from(removals)).toEqual([]);
  });

  test('a title is made of the file’s name', async () => {
    const { body } = await send(form(['file', png(), 'summer.holiday.png']));
    expect(body.title).toBe('summer.holiday');
  });

  test('Idempotency-Key: the same form again is replayed, another is refused, one media in all', async () => {
    const headers = { 'Idempotency-Key': 'once' };
    const first = await send(form(['title', 'one'], ['file', png(77)]), headers);
    const files = await media.files();
    const again = await send(form(['file', png(77)], ['title', 'one']), headers);
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('Idempotency-Replayed')).toBe('true');
    expect((await send(form(['file', png(78)], ['title', 'one']), headers)).status).toBe(422);
    expect((await send(form(['file', png(77)], ['title', 'two']), headers)).status).toBe(422);
    expect(await media.files()).toEqual(files);
    const other = await send(form(['title', 'one'], ['file', png(77)]), headers, await media.user());
    expect(other.body.id).not.toBe(first.body.id);
  });

  test('Idempotency-Key: ten at once make one media', async () => {
    const headers = { 'Idempotency-Key': 'ten' };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => send(form(['file', png(99)], ['title', 'ten']), headers)),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await media.database.db.select().from(removals)).toEqual([]);
  });

  test('422 for a key that is none', async () => {
    expect((await send(form(['file', png()]), { 'Idempotency-Key': 'x'.repeat(256) })).status).toBe(422);
  });

  test.each([
    ['no file', [['title', 'x']]],
    [
      'two files',
      [
        ['file', png()],
        ['file', png()],
      ],
    ],
    ['a file under another name', [['picture', png()]]],
    [
      'a file and another',
      [
        ['file', png()],
        ['extra', png()],
      ],
    ],
    ['a text in the place of the file', [['file', 'text']]],
    [
      'an unknown field',
      [
        ['file', png()],
        ['owner', 'me'],
      ],
    ],
    [
      'a field twice',
      [
        ['title', 'a'],
        ['title', 'b'],
        ['file', png()],
      ],
    ],
    [
      'an empty title',
      [
        ['file', png()],
        ['title', ' '],
      ],
    ],
    [
      'a long field',
      [
        ['file', png()],
        ['description', 'x'.repeat(100_000)],
      ],
    ],
    [
      'a bad visibility',
      [
        ['file', png()],
        ['visibility', 'none'],
      ],
    ],
  ] as [string, Part[]][])('422 for %s, and nothing is left', async (_, parts) => {
    await expectNothing(422, form(...parts));
  });

  test('413 beyond the largest size, and nothing is left', async () => {
    await expectNothing(413, form(['file', png(100_001)]));
  });

  test('415 for bytes that are no media or none at all, and nothing is left', async () => {
    await expectNothing(415, form(['file', pattern(500), 'x.png']));
    await expectNothing(415, form(['file', new Uint8Array(), 'x.png']));
  });

  test('415 for another type, 400 without a boundary or for a broken form', async () => {
    const raw = (type: string, body: string) =>
      media.call('POST', '/media', { as: ana, body, headers: { 'Content-Type': type } });
    expect((await raw('application/json', '{}')).status).toBe(415);
    expect((await raw('multipart/form-data', 'x')).status).toBe(400);
    const files = await media.files();
    for (const body of [
      '',
      'garbage',
      '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
    ]) {
      expect((await raw('multipart/form-data; boundary=x', body)).status).toBe(400);
    }
    expect(await media.files()).toEqual(files);
  });

  test('401 without a token', async () => {
    expect((await media.call('POST', '/media', { body: form(['file', png()]) })).status).toBe(401);
  });

  test('429 beyond the limit', async () => {
    const strict = await createTestApp({ UPLOADS_PER_MINUTE: '1', RATE_LIMIT_SCALE: '1' });
    const user = await strict.user();
    const once = () => strict.call('POST', '/media', { as: user, body: form(['file', png()]) });
    expect((await once()).status).toBe(201);
    expect((await once()).status).toBe(429);
    await strict.close();
  });
});
