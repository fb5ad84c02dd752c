import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';
import { createTestApp, type TestApp } from '../test-app.ts';
import { pattern, png } from '../testing/fixtures.ts';

/*
 * One script of requests against @tus/server and against ours. What differs stands in DIFFERENCES, with the
 * sentence of tus 1.0.0 that it comes from, or the contract's where the protocol leaves it open. A difference
 * that is not listed fails, and so does a listed one that is none.
 */

type Given = Record<string, string | undefined>;
type Step = { name: string; method: string; to: string; headers: Given; body?: Uint8Array };
type Told = Record<string, string | number | null>;

const file = png(1000);
const rest = file.subarray(600);
const tus = { 'Tus-Resumable': '1.0.0' };
const octets = { ...tus, 'Content-Type': 'application/offset+octet-stream' };
const length = (value: number | string) => ({ 'Upload-Length': String(value) });
const at = (value: number | string) => ({ ...octets, 'Upload-Offset': String(value) });
const declared = (body: Uint8Array) => ({ 'Content-Length': String(body.length) });
const digest = (algorithm: 'sha1' | 'sha256', body: Uint8Array) => ({
  'Upload-Checksum': `${algorithm} ${new Bun.CryptoHasher(algorithm).update(body).digest('base64')}`,
});

const steps: Step[] = [];
/** `to` is `/`, or `$name` for the Location that the step of that name was given. */
const step = (name: string, method: string, to: string, headers: Given = {}, body?: Uint8Array) =>
  steps.push({ name, method, to, headers, ...(body === undefined ? {} : { body }) });

step('options', 'OPTIONS', '/');
step('options with another version', 'OPTIONS', '/', { 'Tus-Resumable': '0.2.2' });
step('create', 'POST', '/', { ...tus, ...length(file.length) });
step('create with metadata', 'POST', '/', {
  ...tus,
  ...length(10),
  'Upload-Metadata': 'filename YS5wbmc=,flag',
});
step('create without version', 'POST', '/', length(10));
step('create with another version', 'POST', '/', { ...length(10), 'Tus-Resumable': '0.2.2' });
step('create without length', 'POST', '/', tus);
for (const value of ['-1', '1e3', '1.5', 'abc', '007']) {
  step(`create with length ${value}`, 'POST', '/', { ...tus, ...length(value) });
}
step('create of no bytes', 'POST', '/', { ...tus, ...length(0) });
step('create too large', 'POST', '/', { ...tus, ...length(100_001) });
step('create with length and deferred', 'POST', '/', { ...tus, ...length(10), 'Upload-Defer-Length': '1' });
step('create deferred', 'POST', '/', { ...tus, 'Upload-Defer-Length': '1' });
step('create deferred 2', 'POST', '/', { ...tus, 'Upload-Defer-Length': '2' });
step('create with bad Base64', 'POST', '/', { ...tus, ...length(10), 'Upload-Metadata': 'filename !!!' });
step('create with a key twice', 'POST', '/', { ...tus, ...length(10), 'Upload-Metadata': 'a YQ==,a YQ==' });
step('create with three parts', 'POST', '/', { ...tus, ...length(10), 'Upload-Metadata': 'a YQ== YQ==' });
step('create with an empty pair', 'POST', '/', {
  ...tus,
  ...length(10),
  'Upload-Metadata': 'a YQ==,,b YQ==',
});
step('create with some', 'POST', '/', { ...octets, ...length(file.length) }, file.subarray(0, 600));
step('create with all', 'POST', '/', { ...octets, ...length(file.length) }, file);
step('create with too much', 'POST', '/', { ...octets, ...length(5), ...declared(pattern(9)) }, pattern(9));
step(
  'create with another body',
  'POST',
  '/',
  { ...tus, ...length(2), 'Content-Type': 'text/plain', 'Content-Length': '2' },
  pattern(2),
);
step('create a part', 'POST', '/', { ...tus, ...length(10), 'Upload-Concat': 'partial' });
step('create a bad part', 'POST', '/', { ...tus, ...length(10), 'Upload-Concat': 'some' });
step('head', 'HEAD', '$create', tus);
step('head without version', 'HEAD', '$create');
step('head with metadata', 'HEAD', '$create with metadata', tus);
step('head of no bytes', 'HEAD', '$create of no bytes', tus);
step('head deferred', 'HEAD', '$create deferred', tus);
step('head with some', 'HEAD', '$create with some', tus);
step('head with all', 'HEAD', '$create with all', tus);
step('head of none', 'HEAD', '/01a20d00-0000-7000-8000-000000000000', tus);
step('patch without version', 'PATCH', '$create', { ...at(0), 'Tus-Resumable': undefined }, pattern(5));
step('patch without offset', 'PATCH', '$create', octets, pattern(5));
for (const value of ['-1', '1e1', 'abc']) {
  step(`patch at ${value}`, 'PATCH', '$create', at(value), pattern(5));
}
step('patch of another type', 'PATCH', '$create', { ...at(0), 'Content-Type': 'image/png' }, pattern(5));
step('patch ahead', 'PATCH', '$create', at(5), pattern(5));
step('patch of none', 'PATCH', '/01a20d00-0000-7000-8000-000000000000', at(0), pattern(5));
step('patch too long', 'PATCH', '$create', { ...at(0), ...declared(pattern(2000)) }, pattern(2000));
step('head after refusals', 'HEAD', '$create', tus);
step('patch', 'PATCH', '$create', at(0), file.subarray(0, 600));
step('patch of nothing', 'PATCH', '$create', at(600), new Uint8Array());
step('patch behind', 'PATCH', '$create', at(0), file.subarray(0, 600));
step(
  'patch with bad checksum',
  'PATCH',
  '$create',
  { ...at(600), ...digest('sha1', file) },
  new Uint8Array(),
);
step(
  'patch with unknown checksum',
  'PATCH',
  '$create',
  { ...at(600), 'Upload-Checksum': 'md5 AAAA' },
  new Uint8Array(),
);
step('patch with another length', 'PATCH', '$create', { ...at(600), ...length(5000) }, new Uint8Array());
step(
  'patch with the same length',
  'PATCH',
  '$create',
  { ...at(600), ...length(file.length) },
  new Uint8Array(),
);
step('patch the rest with checksum', 'PATCH', '$create', { ...at(600), ...digest('sha256', rest) }, rest);
step('head when finished', 'HEAD', '$create', tus);
step('patch when finished', 'PATCH', '$create', { ...at(file.length), 'Content-Length': '5' }, pattern(5));
step('patch nothing when finished', 'PATCH', '$create', at(file.length), new Uint8Array());
step('patch deferred', 'PATCH', '$create deferred', at(0), file.subarray(0, 600));
step(
  'patch deferred, too short a length',
  'PATCH',
  '$create deferred',
  { ...at(600), ...length(5) },
  new Uint8Array(),
);
step(
  'patch deferred, too long a length',
  'PATCH',
  '$create deferred',
  { ...at(600), ...length(100_001) },
  new Uint8Array(),
);
step(
  'patch deferred with the length',
  'PATCH',
  '$create deferred',
  { ...at(600), ...length(file.length) },
  rest,
);
step('head deferred when finished', 'HEAD', '$create deferred', tus);
step(
  'patch by override',
  'POST',
  '$create with some',
  { ...at(600), 'X-HTTP-Method-Override': 'PATCH' },
  rest,
);
step('head after override', 'HEAD', '$create with some', tus);
step('delete without version', 'DELETE', '$create with all');
step('delete', 'DELETE', '$create with all', tus);
step('head when deleted', 'HEAD', '$create with all', tus);
step('patch when deleted', 'PATCH', '$create with all', at(0), pattern(5));
step('delete when deleted', 'DELETE', '$create with all', tus);
step('delete of none', 'DELETE', '/01a20d00-0000-7000-8000-000000000000', tus);
step('put', 'PUT', '$create with metadata', tus);

const COMPARED = [
  ...['Tus-Resumable', 'Tus-Version', 'Tus-Max-Size', 'Tus-Extension', 'Tus-Checksum-Algorithm'],
  ...['Upload-Offset', 'Upload-Length', 'Upload-Defer-Length', 'Upload-Metadata', 'Upload-Concat'],
];

async function run(send: (path: string, init: RequestInit) => Promise<Response>): Promise<Map<string, Told>> {
  const places = new Map<string, string>();
  const told = new Map<string, Told>();
  for (const { name, method, to, headers, body } of steps) {
    const place = to.startsWith('$') ? (places.get(to.slice(1)) ?? '/absent') : to;
    const kept = Object.entries(headers).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    );
    const response = await send(place, {
      method,
      headers: Object.fromEntries(kept),
      ...(body === undefined ? {} : { body: body.slice() }),
    });
    await response.text();
    const location = response.headers.get('Location');
    if (location !== null) places.set(name, `/${location.split('/').at(-1)}`);
    const seen = COMPARED.map((header): [string, string | null] => [header, response.headers.get(header)]);
    told.set(name, {
      status: response.status,
      Location: location === null ? null : 'somewhere',
      // What the protocol wants of HEAD alone.
      'Cache-Control': method === 'HEAD' && response.ok ? response.headers.get('Cache-Control') : null,
      'Upload-Expires': response.headers.has('Upload-Expires') ? 'some time' : null,
      ...Object.fromEntries(seen),
    });
  }
  return told;
}

/** Step → header or status → theirs, ours. */
type Difference = Record<string, [string | number | null, string | number | null]>;

function differences(theirs: Map<string, Told>, ours: Map<string, Told>): Record<string, Difference> {
  const all: Record<string, Difference> = {};
  for (const { name } of steps) {
    const [their, our] = [theirs.get(name) ?? {}, ours.get(name) ?? {}];
    const fields = Object.keys(our).filter((field) => their[field] !== our[field]);
    if (fields.length === 0) continue;
    all[name] = Object.fromEntries(
      fields.map((field) => [field, [their[field] ?? null, our[field] ?? null]]),
    );
  }
  return all;
}

type Explained = { because: string; differs: Difference };

const extensions = ['creation', 'creation-with-upload', 'creation-defer-length', 'termination'];
const more: Explained = {
  because: 'Clients and Servers are encouraged to implement as many of the extensions as possible.',
  differs: {
    'Tus-Extension': [
      [...extensions, 'expiration'].join(),
      [...extensions, 'checksum', 'concatenation', 'expiration'].join(),
    ],
    'Tus-Checksum-Algorithm': [null, 'sha1,sha256'],
  },
};
const zero: Explained = {
  because: 'The new resource has an implicit offset of 0. We say so, as an answer to POST may.',
  differs: { 'Upload-Offset': [null, '0'] },
};
const versions: Explained = {
  because:
    'If the version specified by the Client is not supported by the Server, it MUST respond with the 412 Precondition Failed status and MUST include the Tus-Version header into the response.',
  differs: { 'Tus-Version': [null, '1.0.0'] },
};
const expires: Explained = {
  because:
    'The Client SHOULD use this header to determine if an upload is still valid before attempting to resume the upload: HEAD is what it asks before.',
  differs: { 'Upload-Expires': [null, 'some time'] },
};
const refusedBody = (status: number) => ({
  status: [204, status] as [number, number],
  'Upload-Offset': ['600', null] as [string, null],
  'Upload-Expires': ['some time', null] as [string, null],
});
const made = { Location: [null, 'somewhere'], 'Upload-Expires': [null, 'some time'] } satisfies Difference;

const DIFFERENCES: Record<string, Explained> = {
  options: more,
  'options with another version': more,
  create: zero,
  'create with metadata': zero,
  'create deferred': zero,
  'create without version': versions,
  'head without version': versions,
  'patch without version': versions,
  'delete without version': versions,
  'create with another version': { ...versions, differs: { ...versions.differs, status: [400, 412] } },
  'create with length 007': {
    because: 'The value MUST be a non-negative integer: leading zeros do not make it another one.',
    differs: { ...made, ...zero.differs, status: [400, 201] },
  },
  'create of no bytes': {
    because:
      'A Server MAY wish to remove uploads after a given period: one of no bytes becomes no media, and goes.',
    differs: { ...zero.differs, ...expires.differs },
  },
  'create with another body': {
    because:
      'creation-with-upload: The Client MUST include the Content-Type: application/offset+octet-stream header. Its bytes would be lost without a word.',
    differs: {
      status: [201, 415],
      Location: ['somewhere', null],
      'Upload-Expires': ['some time', null],
    },
  },
  'create a part': {
    because:
      '@tus/server has no concatenation: the value MUST be partial for a partial upload, which we take.',
    differs: { ...made, ...zero.differs, status: [501, 201] },
  },
  head: expires,
  'head with metadata': expires,
  'head of no bytes': expires,
  'head deferred': expires,
  'head with some': expires,
  'head after refusals': expires,
  'patch without offset': {
    because:
      'The value MUST be a non-negative integer; which status tells of none is left open, and 403 would speak of rights.',
    differs: { status: [403, 400] },
  },
  'patch of another type': {
    because: 'otherwise the server SHOULD return a 415 Unsupported Media Type status.',
    differs: { status: [400, 415] },
  },
  'patch with bad checksum': {
    because:
      '460 Checksum Mismatch if the checksums mismatch; the chunk MUST be discarded. @tus/server does not look at it.',
    differs: refusedBody(460),
  },
  'patch with unknown checksum': {
    because: '400 Bad Request if the checksum algorithm is not supported by the server.',
    differs: refusedBody(400),
  },
  'patch with the same length': {
    because: 'Once set the length MUST NOT be changed: told again by who lost the answer, it is not changed.',
    differs: { ...expires.differs, status: [400, 204], 'Upload-Offset': [null, '600'] },
  },
  'patch by override': {
    because: 'X-HTTP-Method-Override MUST be interpreted as the request’s method by the Server.',
    differs: { status: [400, 204], 'Upload-Offset': [null, String(file.length)] },
  },
  'head after override': {
    because: 'The same: the actual method of the request MUST be ignored, and so the bytes are there.',
    differs: { 'Upload-Offset': ['600', String(file.length)] },
  },
  put: {
    because: 'No method of the protocol; RFC 9110 has 405 for a method that a resource does not know.',
    differs: { status: [404, 405], 'Tus-Resumable': ['1.0.0', null] },
  },
};

let media: TestApp;
let folder: string;
beforeAll(async () => {
  media = await createTestApp({ MEDIA_MAX_SIZE: '100000' });
  folder = await mkdtemp(join(tmpdir(), 'tertulia-tus-'));
});
afterAll(async () => {
  await media.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the script', () => {
  test('differs from @tus/server where the protocol says why, and nowhere else', async () => {
    const datastore = new FileStore({ directory: folder, expirationPeriodInMilliseconds: 86_400_000 });
    const server = new Server({ path: '/files', datastore, maxSize: 100_000, relativeLocation: true });
    const theirs = await run((path, init) =>
      server.handleWeb(new Request(`http://tus.example/files${path === '/' ? '' : path}`, init)),
    );
    const { token } = await media.user();
    const ours = await run(async (path, init) =>
      media.app.request(`/media/uploads${path === '/' ? '' : path}`, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), Authorization: `Bearer ${token}` },
      }),
    );
    expect(steps.length).toBeGreaterThanOrEqual(60);
    const explained = Object.entries(DIFFERENCES).map(([name, { differs }]) => [name, differs]);
    expect(differences(theirs, ours)).toEqual(Object.fromEntries(explained));
  });
});
