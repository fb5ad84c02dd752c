import { gzipSync } from 'node:zlib';
import type { Schema } from './routes.ts';
import { takes } from './samples.ts';

const KIB = 1024;
const DEEP = 10_000;

/** A body, and whether it must be refused: some are merely strange. */
export type Hostile = {
  name: string;
  body: BodyInit;
  headers?: Record<string, string>;
  refused: boolean;
  isLong?: true;
};

const BOMB = gzipSync(Buffer.alloc(8 * KIB * KIB));

const deep = (open: string, close: string) => open.repeat(DEEP) + close.repeat(DEEP);

/** Bodies that are wrong as a whole, made of one that is right. */
export function hostileWholes(sample: Record<string, unknown>): Hostile[] {
  const right = JSON.stringify(sample);
  const inside = right === '{}' ? '' : `,${right.slice(1, -1)}`;
  const padded = right.padEnd(KIB * KIB + 1, ' ');
  const texts: Record<string, string> = {
    nothing: '',
    null: 'null',
    'a list': '[]',
    'a text': '"x"',
    'a number': '7',
    'half of it': right.slice(0, -1),
    'more than it': `${right}{`,
    'no value': '{"a":}',
    NUL: '\0',
    NaN: '{"a":NaN}',
    'lists, 10,000 deep': deep('[', ']'),
    'objects, 10,000 deep': `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
    'an unknown field': `{"role":"ADMIN"${inside}}`,
    'an unknown field, 10,000 deep': `{"x":${deep('[', ']')}${inside}}`,
    '`constructor`': `{"constructor":{"prototype":{"role":"ADMIN"}}${inside}}`,
  };
  const as = (name: string, type: string, body: BodyInit = right): Hostile => ({
    name,
    body,
    headers: { 'Content-Type': type },
    refused: true,
  });
  return [
    ...Object.entries(texts).map(([name, body]) => ({ name, body, refused: true })),
    { name: '`__proto__`', body: `{"__proto__":{"role":"ADMIN"}${inside}}`, refused: true },
    { name: 'a megabyte and a byte', body: padded, refused: true, isLong: true },
    { name: 'a megabyte and a byte, in chunks', body: inChunks(padded), refused: true, isLong: true },
    { name: 'bytes that are no UTF-8', body: Buffer.from('{"a":"\xff\xfe"}', 'latin1'), refused: true },
    { name: 'every field twice', body: `{${right.slice(1, -1)}${inside}}`, refused: false },
    { name: 'gzip', body: gzipSync(right), headers: { 'Content-Encoding': 'gzip' }, refused: true },
    {
      name: 'a gzip bomb',
      body: BOMB,
      headers: { 'Content-Encoding': 'gzip' },
      refused: true,
    },
    { name: 'two codings', body: right, headers: { 'Content-Encoding': 'br, gzip' }, refused: true },
    as('as text', 'text/plain'),
    as('as a form', 'application/x-www-form-urlencoded'),
    as('as latin-1', 'application/json; charset=latin-1'),
    as('as UTF-16', 'application/json;charset="utf-16"', Buffer.from(right, 'utf16le')),
    as('as a form of parts', 'multipart/form-data; boundary=x', '--x--'),
  ];
}

function inChunks(text: string): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + 128 * KIB));
      at += 128 * KIB;
    },
  });
}

const VALUES: [string, unknown][] = [
  ['null', null],
  ['0', 0],
  ['-1', -1],
  ['2^63', 2 ** 63],
  ['a list', []],
  ['a list in a list', [[]]],
  ['true', true],
  ['an object', {}],
  ['an object with methods', { toString: 1, valueOf: 1, toJSON: 1, length: 2 ** 31 }],
];

/** Texts that no field takes, whatever it is. */
export const TEXTS: [string, string][] = [
  ['NUL', 'a\0b'],
  ['a lone surrogate', 'a\ud800'],
  ...(
    [
      ['spaces', ' '],
      ['a@', 'a@'],
      ['brackets', '(((('],
      ['line breaks', '\n'],
    ] as const
  ).map(([name, part]): [string, string] => [
    `64 KiB of ${name}`,
    part.repeat(Math.ceil((64 * KIB) / part.length)),
  ]),
];

/** Texts that may be taken, but do nothing beyond being texts. */
export const STRANGE: string[] = [
  '',
  "' or 1=1--",
  "1'; select pg_sleep(9)--",
  '%00',
  '../../etc/passwd',
  '{{7*7}}',
  'a\u202eb',
  '__proto__',
];

/** Secrets are compared, or not looked at, and never kept: any text may come. */
const SECRETS = ['password', 'currentPassword', 'code'];

/** One field of a right body made hostile, in every way. */
export function hostileFields({ properties = {} }: Schema, sample: Record<string, unknown>): Hostile[] {
  const encode = (value: unknown) => JSON.stringify(value);
  return Object.entries(properties).flatMap(([field, schema]) => {
    const text = takes(schema, '');
    const isFree = text && schema.enum === undefined && schema.const === undefined;
    const put = (name: string, value: string, refused: boolean): Hostile => {
      const rest = Object.entries(sample).filter(([key]) => key !== field);
      const fields = rest.map(([key, other]) => `${encode(key)}:${encode(other)}`);
      return {
        name: `${field}: ${name}`,
        body: `{${[...fields, `${encode(field)}:${value}`].join(',')}}`,
        refused,
      };
    };
    return [
      // `true` where it belongs is a wish, not an attack.
      ...VALUES.filter(([, value]) => value !== true || !takes(schema, true)).map(([name, value]) =>
        put(name, encode(value), !takes(schema, value)),
      ),
      ...TEXTS.map(([name, value]) =>
        put(name, encode(value), value.length > KIB || !SECRETS.includes(field)),
      ),
      ...(isFree ? STRANGE.map((value) => put(value, encode(value), false)) : []),
      put('beyond numbers', '1e999', !takes(schema, 1)),
      put('10,000 deep', deep('[', ']'), true),
    ];
  });
}

/** Headers that hold one text each: what every route is asked to bear. */
const HEADERS = [
  'Accept',
  'Accept-Language',
  'Access-Control-Request-Headers',
  'Cookie',
  'Forwarded',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'If-Modified-Since',
  'Last-Event-ID',
  'Range',
  'traceparent',
  'Upload-Metadata',
  'Upload-Length',
  'Upload-Offset',
  'User-Agent',
  'X-Device-Token',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Request-Id',
  'X-Refresh-Cookie',
];

/** The same text in every header at once, within what a request may weigh. */
export const HOSTILE_HEADERS: Record<string, string>[] = [
  'a@'.repeat(250),
  '('.repeat(500),
  ','.repeat(500),
  `bytes=${'0-1,'.repeat(120)}5-`,
  '"'.repeat(501),
  '\xff\xfe\x80',
  "' or 1=1--",
  '__proto__',
  '%00%0d%0aX-Injected: 1',
  '-1',
  '9'.repeat(400),
].map((text) => Object.fromEntries(HEADERS.map((name) => [name, text])));

export const HOSTILE_IDS = [
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e',
  '..%5c..%5c',
  '%00',
  '%ff',
  '%',
  '%zz',
  'a'.repeat(4000),
  "'%20or%201=1--",
  '0',
  '-1',
  '__proto__',
  '{id}',
  '0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f%00',
  '0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f%20',
  '%F0%9F%92%A9',
];

export const HOSTILE_QUERIES = [
  '',
  '0',
  '-1',
  '1e9',
  'NaN',
  '[]',
  'true',
  '%00',
  '%ff',
  '%ed%a0%80',
  "'%20or%201=1--",
  "1';%20select%20pg_sleep(9)--",
  'eyJhIjoxfQ',
  'W251bGwsbnVsbF0',
  '9999-12-31T23:59:59.999Z',
  '-271821-04-20T00:00:00.000Z',
  'a'.repeat(4000),
  '__proto__',
  '%25%5f%5c',
];
