import { describe, expect, test } from 'bun:test';
import { createEarlyFlush } from './early-flush.ts';

const MIB = 1024 * 1024;

describe('createEarlyFlush', () => {
  test('a failure is told once, to whoever settles that upload', async () => {
    // A folder that is a file: opening below it fails.
    const flushes = createEarlyFlush((id) => (id === 'bad' ? `${import.meta.path}/x` : import.meta.path));
    flushes.grown('bad', 0, 40 * MIB);
    flushes.grown('good', 0, 40 * MIB);
    await flushes.settle('good');
    await expect(flushes.settle('bad')).rejects.toThrow('ENOTDIR');
    await flushes.settle('bad');
  });

  test('nothing is flushed before there is much to flush, nor what is gone', async () => {
    const asked: string[] = [];
    const flushes = createEarlyFlush((id) => {
      asked.push(id);
      return '/absent';
    });
    flushes.grown('a', 0, 31 * MIB);
    expect(asked).toEqual([]);
    flushes.grown('a', 31 * MIB, 33 * MIB);
    expect(asked).toEqual(['a']);
    await flushes.settle('a');
  });
});
