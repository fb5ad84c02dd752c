import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { eventually } from '../testing/eventually.ts';
import { type LiveBus, MAX_HINT_BYTES } from './bus.ts';

type Opened = { bus: LiveBus; other: LiveBus; close(): Promise<void> };

/** What every implementation of {@link LiveBus} promises; `other` is a second node. */
export function describeLiveBus(name: string, open: () => Promise<Opened>): void {
  describe(`LiveBus on ${name}`, () => {
    let opened: Opened;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    test('what is published after subscribing arrives on every node, in order', async () => {
      const { bus, other } = opened;
      const heard: string[][] = [[], []];
      await bus.subscribe('t', (message) => heard[0]?.push(message));
      await other.subscribe('t', (message) => heard[1]?.push(message));
      for (const message of ['one', 'two\nlines', 'drei ü']) await bus.publish('t', message);
      await eventually(() => heard.every(({ length }) => length === 3));
      expect(heard).toEqual([
        ['one', 'two\nlines', 'drei ü'],
        ['one', 'two\nlines', 'drei ü'],
      ]);
    });

    test('other topics stay away, and so does everything after leaving', async () => {
      const { bus, other } = opened;
      const heard: string[] = [];
      const leave = await bus.subscribe('a', (message) => heard.push(message));
      const late: string[] = [];
      await bus.subscribe('end', (message) => late.push(message));
      await other.publish('b', 'not mine');
      await other.publish('a', 'mine');
      await eventually(() => heard.length === 1);
      leave();
      await other.publish('a', 'too late');
      await other.publish('end', 'x');
      await eventually(() => late.length === 1);
      expect(heard).toEqual(['mine']);
    });

    test('two listeners of one topic both hear, until each leaves', async () => {
      const { bus } = opened;
      const first: string[] = [];
      const second: string[] = [];
      const leave = await bus.subscribe('t', (message) => first.push(message));
      await bus.subscribe('t', (message) => second.push(message));
      await bus.publish('t', '1');
      await eventually(() => first.length === 1 && second.length === 1);
      leave();
      await bus.publish('t', '2');
      await eventually(() => second.length === 2);
      expect(first).toEqual(['1']);
    });

    test('a message that is too large arrives as an empty hint', async () => {
      const { bus } = opened;
      const heard: string[] = [];
      await bus.subscribe('t', (message) => heard.push(message));
      await bus.publish('t', 'x'.repeat(MAX_HINT_BYTES + 1));
      await bus.publish('t', 'y'.repeat(MAX_HINT_BYTES));
      await eventually(() => heard.length === 2);
      expect(heard.map(({ length }) => length)).toEqual([0, MAX_HINT_BYTES]);
    });
  });
}
