import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { TestUser } from '@tertulia/shared/testing/tokens';
import { sql } from 'drizzle-orm';
import { media as mediaTable } from '../db/schema.ts';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pageOf, type Scope } from './media.list.ts';
import type { Sort } from './media.schema.ts';
import { canSee, visibleTo } from './visibility.ts';

let media: TestApp;
let ana: TestUser;
let ben: TestUser;
let moderator: TestUser;
beforeAll(async () => {
  media = await createTestApp();
  [ana, ben, moderator] = await Promise.all([media.user(), media.user(), media.user('MODERATOR')]);
});
afterAll(() => media.close());

type Row = Partial<typeof mediaTable.$inferInsert>;

/** Rows without bytes: lists do not look at those. */
async function rows(owner: TestUser, ...values: Row[]): Promise<string[]> {
  const all = values.map((value) => ({
    ...{ id: Bun.randomUUIDv7(), ownerId: owner.id, ownerUsername: owner.username },
    ...{ filename: 'a.png', title: 'Untitled', blobKey: Bun.randomUUIDv7(), kind: 'image' as const },
    ...{
      mimeType: 'image/png',
      size: 1,
      sha256: 'x',
      tagKeys: (value.tags ?? []).map((tag) => tag.toLowerCase()),
    },
    ...value,
  }));
  await media.database.db.insert(mediaTable).values(all);
  return all.map(({ id }) => id);
}

const list = async (query: string, as?: TestUser) => {
  const { status, body } = await media.call('GET', `/media?${query}`, as === undefined ? {} : { as });
  expect(status).toBe(200);
  return body as { items: { id: string; title: string }[]; nextCursor: string | null };
};
const idsOf = ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id);

/** All pages of a list. */
async function all(query: string, as?: TestUser): Promise<string[]> {
  const ids: string[] = [];
  let cursor = '';
  do {
    const page = await list(`${query}&limit=3${cursor}`, as);
    ids.push(...idsOf(page));
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  return ids;
}

describe('q', () => {
  let owner: TestUser;
  beforeAll(async () => {
    owner = await media.user();
    await rows(
      owner,
      { title: 'Año nuevo en Cádiz' },
      { title: 'IMG_2024.jpg', description: 'La playa: «olas» y viento' },
      { title: 'Walk', tags: ['Café-Bar', 'ПРИВЕТ'] },
      { title: 'A secret walk', visibility: 'private' },
    );
  });
  const found = async (q: string, as?: TestUser) =>
    (await list(`owner=${owner.id}&sort=oldest&q=${encodeURIComponent(q)}`, as)).items.map(
      ({ title }) => title,
    );

  test.each([
    ['ano', ['Año nuevo en Cádiz']],
    ['CÁDIZ año', ['Año nuevo en Cádiz']],
    ['nuev cad', ['Año nuevo en Cádiz']],
    ['2024', ['IMG_2024.jpg']],
    ['img jpg', ['IMG_2024.jpg']],
    ['olas', ['IMG_2024.jpg']],
    ['cafe bar', ['Walk']],
    ['café-b', ['Walk']],
    ['приве', ['Walk']],
    ['walk', ['Walk']],
    ['alk', []],
    ['walk olas', []],
    ['!!! & | <->', []],
    ["'); drop table media; --", []],
    ['', ['Año nuevo en Cádiz', 'IMG_2024.jpg', 'Walk']],
  ])('%p finds %p', async (q, titles) => {
    expect(await found(q)).toEqual(titles);
  });

  test('finds one’s own private ones too, and nobody else’s', async () => {
    expect(await found('secret', owner)).toEqual(['A secret walk']);
    expect(await found('secret', ana)).toEqual([]);
    expect(await found('secret', moderator)).toEqual(['A secret walk']);
    expect((await list('q=secret', moderator)).items).toEqual([]);
  });

  test('over all that is listed, near and far, with one’s own: each once, in order, page by page', async () => {
    const [mine, theirs] = [await media.user(), await media.user()];
    const titled = { title: 'Quokka' };
    const ids = [
      ...(await rows(theirs, titled, titled)),
      ...(await rows(mine, { ...titled, visibility: 'private' })),
      ...(await rows(theirs, titled, { ...titled, visibility: 'private' }, titled)),
      ...(await rows(mine, { ...titled, hiddenAt: new Date() }, titled)),
    ];
    const [open, own] = [ids.filter((_, n) => ![2, 4, 6].includes(n)), ids.filter((_, n) => n !== 4)];
    expect(await all('q=quokk&sort=oldest')).toEqual(open);
    expect(await all('q=quokk', ben)).toEqual(open.toReversed());
    expect(await all('q=quokk', mine)).toEqual(own.toReversed());
    expect(await all('q=quokk&sort=oldest', mine)).toEqual(own);
    expect(await all('q=quokk&sort=largest', mine)).toEqual(own.toReversed());
  });
});

describe('tag', () => {
  test('in any case, and what is changed is found by what it is now', async () => {
    const owner = await media.user();
    const [sea, other] = await rows(owner, { tags: ['Mar Azul'] }, { tags: ['marea'] });
    const tagged = async (tag: string) =>
      idsOf(await list(`owner=${owner.id}&tag=${encodeURIComponent(tag)}`));
    expect(await tagged('mar azul')).toEqual([sea ?? '']);
    expect(await tagged('MAR AZUL ')).toEqual([sea ?? '']);
    expect(await tagged('mar')).toEqual([]);
    const { body } = await media.call('PATCH', `/media/${other}`, {
      as: owner,
      body: { tags: ['Ola', 'OLA', ' ola ', 'E\u0301te'] },
    });
    expect(body.tags).toEqual(['Ola', '\u00c9te']);
    expect(await tagged('marea')).toEqual([]);
    expect(await tagged('\u00e9te')).toEqual([other ?? '']);
  });
});

describe('pages', () => {
  test('of every sort and scope give each once, whatever sizes are equal', async () => {
    const owner = await media.user();
    const sizes = [5, 1, 5, 3, 5, 5, 2, 2];
    const ids = await rows(
      owner,
      ...sizes.map((size, n) => ({ size, visibility: n === 3 ? ('private' as const) : ('public' as const) })),
    );
    const open = ids.filter((_, n) => n !== 3);
    const bySize = (some: string[]) =>
      some.toSorted(
        (a, b) => (sizes[ids.indexOf(b)] ?? 0) - (sizes[ids.indexOf(a)] ?? 0) || (a < b ? 1 : -1),
      );
    expect(await all(`owner=${owner.id}&sort=newest`)).toEqual(open.toReversed());
    expect(await all(`owner=${owner.id}&sort=oldest`, ana)).toEqual(open);
    expect(await all(`owner=${owner.id}&sort=largest`)).toEqual(bySize(open));
    expect(await all('owner=me&sort=largest', owner)).toEqual(bySize(ids));
    expect(await all(`owner=${owner.id}&sort=newest`, moderator)).toEqual(ids.toReversed());
    for (const sort of ['newest', 'oldest', 'largest'] as const) {
      const mine = (await all(`sort=${sort}`, owner)).filter((id) => ids.includes(id));
      const expected = { newest: ids.toReversed(), oldest: ids, largest: bySize(ids) }[sort];
      expect(mine).toEqual(expected);
    }
  });

  test('combine every filter', async () => {
    const owner = await media.user();
    const wanted: Row = { kind: 'audio', tags: ['one'], title: 'Find me' };
    const ids = await rows(
      owner,
      wanted,
      { ...wanted, kind: 'image' },
      { ...wanted, tags: [] },
      { ...wanted, title: 'x' },
      wanted,
    );
    const query = `owner=${owner.id}&kind=audio&tag=one&q=find&visibility=public`;
    expect(await all(`${query}&sort=oldest`)).toEqual([ids[0] ?? '', ids[4] ?? '']);
    expect(idsOf(await list('kind=audio&tag=one&q=find', ben))).toEqual([ids[4] ?? '', ids[0] ?? '']);
  });

  test('a cursor of one list is a 400 in another', async () => {
    await rows(ben, {}, {}, {});
    const { nextCursor } = await list(`owner=${ben.id}&limit=1&q=untitled`);
    for (const query of [
      '',
      `owner=${ben.id}`,
      `owner=${ben.id}&q=other`,
      `owner=${ben.id}&q=untitled&sort=oldest`,
    ]) {
      expect((await media.call('GET', `/media?${query}&cursor=${nextCursor}`)).status).toBe(400);
    }
    await list(`owner=${ben.id}&q=UNTITLED&cursor=${nextCursor}`);
  });

  test('hidden and trashed ones are in nobody’s lists but their owner’s, and moderators’ who ask for that owner', async () => {
    const owner = await media.user();
    const [shown, hidden] = await rows(owner, {}, { hiddenAt: new Date() }, { deletedAt: new Date() });
    expect(await all(`owner=${owner.id}`)).toEqual([shown ?? '']);
    expect(await all(`owner=${owner.id}`, ben)).toEqual([shown ?? '']);
    expect(await all(`owner=${owner.id}`, owner)).toEqual([hidden ?? '', shown ?? '']);
    expect(await all(`owner=${owner.id}`, moderator)).toEqual([hidden ?? '', shown ?? '']);
    expect(await all('', moderator)).not.toContain(hidden ?? '');
  });
});

test('the condition on rows decides as the function does, for everybody and everything', async () => {
  const owner = await media.user();
  const states = ([undefined, new Date()] as const).flatMap((hiddenAt) =>
    ([undefined, new Date()] as const).flatMap((deletedAt) =>
      (['public', 'unlisted', 'private'] as const).map((visibility) => ({ hiddenAt, deletedAt, visibility })),
    ),
  );
  await rows(owner, ...states);
  const { db } = media.database;
  const mine = await db.select().from(mediaTable).where(sql`owner_id = ${owner.id}`);
  expect(mine).toHaveLength(12);
  for (const as of [undefined, ana, owner, moderator]) {
    const caller =
      as === undefined
        ? undefined
        : { userId: as.id, username: as.username, role: as.role, sessionId: as.id, version: 0, expiresAt: 0 };
    const found = await db
      .select({ id: mediaTable.id })
      .from(mediaTable)
      .where(sql`owner_id = ${owner.id} and ${visibleTo(caller)}`);
    expect(new Set(found.map(({ id }) => id))).toEqual(
      new Set(mine.filter((row) => canSee(caller, row)).map(({ id }) => id)),
    );
  }
});

describe('plans', () => {
  beforeAll(async () => {
    await media.database.sql`
      insert into media (id, owner_id, owner_username, filename, title, blob_key, kind, mime_type, size, sha256, visibility)
      select gen_random_uuid(), case when n % 10 = 0 then ${ana.id}::uuid else gen_random_uuid() end, 'x', 'a.png',
        'Plan ' || n, 'k' || n, (array['image', 'video', 'audio'])[n % 3 + 1]::media_kind, 'image/png', n % 97, 'x',
        (case when n % 5 = 0 then 'private' else 'public' end)::visibility
      from generate_series(1, 8000) as n`;
    await media.database.sql`analyze media`;
  });

  const cases = (['newest', 'oldest', 'largest'] as const).flatMap((sort) => [
    [sort, 'listed', {}] as const,
    [sort, 'listed', { kind: true }] as const,
    [sort, 'listed', { owner: true }] as const,
    [sort, 'own', { owner: true }] as const,
    [sort, 'both', {}] as const,
  ]);
  test.each(cases)(
    '%s, %s %p: an index gives the order, nothing is sorted',
    async (sort: Sort, scope: Scope, has) => {
      const none = { owner: false, kind: false, visibility: false, tag: false, words: false as const };
      const query = pageOf(media.database.db, { scope, sort, ...none, ...has });
      const values = {
        // In the middle of random ones.
        id: '80000000-0000-4000-8000-000000000000',
        ...{ size: 50, limit: 21, kind: 'image', ownerId: ana.id },
      };
      const { sql: text, params } = query.toSQL();
      const given = params.map((param) =>
        typeof param === 'object' && param !== null && 'name' in param
          ? values[param.name as keyof typeof values]
          : param,
      );
      const plan = await media.database.sql.unsafe(`explain ${text}`, given as never[]);
      const lines = plan.map((row) => String(row['QUERY PLAN'])).join('\n');
      expect(lines).toMatch(/Index (Only )?Scan/);
      expect(lines).not.toMatch(/Seq Scan|Bitmap/);
      if (scope === 'both') expect(lines).toMatch(/media_unlisted_owner/);
      // What is left to sort are two pages, where two ranges meet.
      if (scope !== 'both') expect(lines).not.toMatch(/Sort/);
    },
  );
});
