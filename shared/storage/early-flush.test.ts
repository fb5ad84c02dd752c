import { describe, expect, test } from 'bun:test';
import { createEarlyFlush } from './early-flush.ts';

const MIB = 1024 * 1024;

describe('createEarlyFlush', () => {
  test('a failure is told once, to whoever settles that file', async () => {
    // A folder that is a file: opening below it fails.
    const bad = `${import.meta.path}/x`;
    const flushes = createEarlyFlush();
    flushes.grown(bad, 0, 40 * MIB);
    flushes.grown(import.meta.path, 0, 40 * MIB);
    await flushes.settle(import.meta.path);
    await expect(flushes.settle(bad)).rejects.toThrow('ENOTDIR');
    await flushes.settle(bad);
  });

  test('nothing is flushed before there is much to flush, nor what is gone', async () => {
    const bad = `${import.meta.path}/x`;
    const flushes = createEarlyFlush();
    flushes.grown(bad, 0, 31 * MIB);
    await flushes.settle(bad);
    flushes.grown(bad, 31 * MIB, 33 * MIB);
    await expect(flushes.settle(bad)).rejects.toThrow('ENOTDIR');
    flushes.grown('/absent', 0, 40 * MIB);
    await flushes.settle('/absent');
  });
});
