import { expect, test } from 'bun:test';
import { maskToken } from './mask-token.ts';

const token = 'EQKfbq0wTz1xkR8vH3s-4Jd6_abcdefghijklmnopqrstuvwxyzABCDEFGHI';

test.each([
  [`/media/signed/${token}/content`, '/media/signed/EQKfbq0w…/content'],
  [`/media/signed/${token}/renditions/hls/x.m4s`, '/media/signed/EQKfbq0w…/renditions/hls/x.m4s'],
  [`//media//SIGNED/${token}`, '//media//SIGNED/EQKfbq0w…'],
  ['/media/0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f/sign', '/media/0199c2a0-7b1e-7c3a-9f2e-3d1b5a8c4e6f/sign'],
])('%s is %s in a log', (path, shown) => {
  expect(maskToken(path)).toBe(shown);
});
