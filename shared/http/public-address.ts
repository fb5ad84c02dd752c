import ipaddr from 'ipaddr.js';
import { parseRanges } from './client-address.ts';

/** Tells whether an address may be connected to. */
export type AddressGuard = (address: string) => boolean;

/** RFC 4291, 2.4: all that is routed. What is embedded elsewhere (`::127.0.0.1`) leads inside. */
const GLOBAL: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Lets through what is public, and what lies in `allowed`. Not public are private, loopback, link-local,
 * carrier, multicast, reserved and documentation ranges, and IPv6 that leads to IPv4 in any way.
 */
export function addressGuard(allowed: readonly string[]): AddressGuard {
  const ranges = parseRanges(allowed);
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    // IPv4 in IPv6's clothes is judged as IPv4.
    const address = ipaddr.process(text);
    if (ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits))) {
      return true;
    }
    return address.range() === 'unicast' && (address.kind() === 'ipv4' || address.match(...GLOBAL));
  };
}
