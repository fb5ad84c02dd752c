import { expect, test } from 'bun:test';
import { deviceOf } from './device.ts';

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36';

test.each([
  [CHROME, 'Chrome on Linux'],
  [`${CHROME} Edg/130.0.0.0`, 'Edge on Linux'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0', 'Firefox on Windows'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
  ],
  ['Dart/3.5 (dart:io)', 'Flutter app'],
  ['curl/8.9.1', 'curl'],
  ['<script>alert(1)</script>', '<script>alert(1)</script>'],
  ['', 'Unknown device'],
  [null, 'Unknown device'],
])('%p is %p', (userAgent, name) => {
  expect(deviceOf(userAgent)).toBe(name);
});
