import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Parses addresses and CIDR ranges. @throws when one is neither. */
export function parseRanges(texts: readonly string[]): Range[] {
  return texts.map((text) => {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  });
}

/**
 * The client's address: the connection's own, unless that is a trusted proxy; then the right-most
 * `X-Forwarded-For` entry that is not one. Whatever stands left of it is the client's own invention.
 */
export function clientAddress(
  connection: string | undefined,
  forwardedFor: string | undefined,
  trusted: readonly Range[],
): string {
  const own = connection === undefined ? undefined : parse(connection);
  if (own === undefined) return 'unknown';
  if (!isTrusted(own, trusted)) return bucket(own);
  let client = own;
  for (const hop of (forwardedFor ?? '').split(',').reverse()) {
    const address = parse(hop.trim());
    if (address === undefined) break;
    client = address;
    if (!isTrusted(address, trusted)) break;
  }
  return bucket(client);
}

function parse(text: string) {
  return ipaddr.isValid(text) ? ipaddr.process(text) : undefined;
}

function isTrusted(address: ipaddr.IPv4 | ipaddr.IPv6, trusted: readonly Range[]): boolean {
  return trusted.some(([range, bits]) => address.kind() === range.kind() && address.match(range, bits));
}

/** One customer usually holds a whole IPv6 /64, so that is what counts as one address. */
function bucket(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (address.kind() === 'ipv4') return address.toString();
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/64`);
  return `${network.toString()}/64`;
}
