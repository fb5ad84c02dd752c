import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { eventually } from '../testing/eventually.ts';
import type { EventStream } from './stream.ts';

type Opened = { stream: EventStream; close(): Promise<void> };

const never = new AbortController().signal;
const entries = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ seq: from + at, payload: `{"n":${from + at}}` }));

/** What every implementation of {@link EventStream} promises. */
export function describeEventStream(name: string, open: () => Promise<Opened>, describeIt = describe): void {
  describeIt(`EventStream on ${name}`, () => {
    let opened: Opened;
    let stream: EventStream;
    const topic = () => `s${Bun.randomUUIDv7()}`;
    beforeEach(async () => {
      opened = await open();
      stream = opened.stream;
    });
    afterEach(() => opened.close());

    const read = (s: string, after: number, count = 100) =>
      stream.read(s, after, { count, waitMs: 20, signal: never });

    test('reads back what was appended, in order, after a position', async () => {
      const s = topic();
      expect(await stream.append(s, entries(1, 20))).toEqual({ first: 1, last: 20 });
      expect(await read(s, 0)).toEqual(entries(1, 20));
      expect(await read(s, 18)).toEqual(entries(19, 20));
      expect(await read(s, 4, 3)).toEqual(entries(5, 7));
      expect(await read(s, 20)).toEqual([]);
    });

    test('skips what it has and takes the rest', async () => {
      const s = topic();
      await stream.append(s, entries(1, 5));
      expect(await stream.append(s, entries(3, 8))).toEqual({ first: 1, last: 8 });
      expect(await stream.append(s, entries(2, 4))).toEqual({ first: 1, last: 8 });
      expect(await read(s, 0)).toEqual(entries(1, 8));
    });

    test('refuses what would leave a gap', async () => {
      const s = topic();
      await stream.append(s, entries(1, 3));
      expect(await stream.append(s, entries(5, 6))).toEqual({ first: 1, last: 3 });
      expect(await read(s, 0)).toEqual(entries(1, 3));
    });

    test('an absent stream takes any start, and so does a dropped one', async () => {
      const s = topic();
      expect(await stream.bounds(s)).toBeUndefined();
      expect(await stream.append(s, entries(7, 9))).toEqual({ first: 7, last: 9 });
      await stream.drop(s);
      expect(await stream.bounds(s)).toBeUndefined();
      expect(await stream.append(s, entries(2, 3))).toEqual({ first: 2, last: 3 });
    });

    test('trimming forgets entries, not the last position', async () => {
      const s = topic();
      await stream.append(s, entries(1, 10));
      await stream.trim(s, 4);
      expect(await stream.bounds(s)).toEqual({ first: 5, last: 10 });
      await stream.trim(s, 10);
      expect(await stream.bounds(s)).toEqual({ first: 11, last: 10 });
      expect(await read(s, 0)).toEqual([]);
      expect(await stream.append(s, entries(11, 12))).toEqual({ first: 11, last: 12 });
    });

    test('ten appenders of the same rows leave each once', async () => {
      const s = topic();
      await stream.append(s, entries(1, 1));
      await Promise.all(Array.from({ length: 10 }, () => stream.append(s, entries(2, 200))));
      expect(await read(s, 0, 1000)).toEqual(entries(1, 200));
    });

    test('a waiting reader is woken by an append', async () => {
      const s = topic();
      await stream.append(s, entries(1, 1));
      const waiting = stream.read(s, 1, { count: 10, waitMs: 20_000, signal: never });
      await stream.append(s, entries(2, 2));
      expect(await waiting).toEqual(entries(2, 2));
    });

    test('a waiting reader comes back when it is told to stop', async () => {
      const s = topic();
      const controller = new AbortController();
      const waiting = stream.read(s, 0, { count: 10, waitMs: 20_000, signal: controller.signal });
      controller.abort();
      expect(await waiting).toEqual([]);
    });

    test('keeps what readers report, also when the stream is dropped', async () => {
      const s = topic();
      await stream.report(s, 'a', 3);
      await stream.report(s, 'b', 5);
      await stream.report(s, 'a', 4);
      await stream.drop(s);
      expect(await stream.readers(s)).toEqual(
        new Map([
          ['a', { position: 4, live: true }],
          ['b', { position: 5, live: true }],
        ]),
      );
    });

    test('payloads of any text and of 64 KiB come back unchanged', async () => {
      const s = topic();
      const payloads = ['{"a":"ñ漢字🙂\\u0000"}', JSON.stringify('x'.repeat(65_536))];
      await stream.append(
        s,
        payloads.map((payload, at) => ({ seq: at + 1, payload })),
      );
      const got = await eventually(() => read(s, 0));
      expect(got.map(({ payload }) => payload)).toEqual(payloads);
    });
  });
}
