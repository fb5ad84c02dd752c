import { expect, test } from 'bun:test';
import { clientAddress, parseRanges } from './client-address.ts';

const proxies = parseRanges(['10.0.0.0/8', '192.168.1.1', 'fd00::/8']);

test.each([
  ['a direct client is itself, whatever it claims', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['behind a proxy it is the right-most that is none', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  [
    'what a client wrote itself stands left of that',
    '10.0.0.1',
    '6.6.6.6, 198.51.100.1, 10.2.3.4',
    '198.51.100.1',
  ],
  ['a chain of proxies alone ends at the first of them', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ['nonsense ends the walk', '10.0.0.1', '198.51.100.1, nonsense', '10.0.0.1'],
  ['a proxy without the header is the client', '192.168.1.1', undefined, '192.168.1.1'],
  ['IPv6 counts by /64', '2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
  ['a mapped IPv4 is an IPv4', '::ffff:203.0.113.9', undefined, '203.0.113.9'],
  ['no connection, no address', undefined, '198.51.100.1', 'unknown'],
])('%s', (_, connection, forwarded, wanted) => {
  expect(clientAddress(connection, forwarded, proxies)).toBe(wanted);
});
