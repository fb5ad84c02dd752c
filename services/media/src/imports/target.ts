import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Problem } from '@tertulia/shared/http/problem';
import type { AddressGuard } from '@tertulia/shared/http/public-address';

/** Addresses of a name. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** What is asked next: an address, and the one IP address that was checked and that is connected to. */
export type Target = { url: URL; address: string };

export const resolveName: Resolve = async (name) =>
  (await lookup(name, { all: true })).map(({ address }) => address);

type Rules = { isAllowed: AddressGuard; ports: readonly string[]; resolve: Resolve };

const PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' };

/**
 * Checks where an address leads, be it given or redirected to. The name is resolved here, once; who connects
 * takes `address`, so that a name cannot mean something else a moment later.
 *
 * @throws {Problem} `import_refused`, `import_failed` when the name is none
 */
export async function targetOf(text: string, base: URL | undefined, rules: Rules): Promise<Target> {
  if (!URL.canParse(text, base?.href)) throw refused('It is no address.');
  const url = new URL(text, base?.href);
  const usual = PORTS[url.protocol];
  if (usual === undefined) throw refused('Only http and https are imported from.');
  if (url.username !== '' || url.password !== '') throw refused('An address with a password is not taken.');
  if (!rules.ports.includes(url.port || usual)) throw refused('This port is not imported from.');
  // The parser has made every notation of IPv4 (hex, octal, one number) into the usual one.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) > 0 ? [host] : await addressesOf(host, rules.resolve);
  const [address] = addresses;
  if (address === undefined) throw new Problem('import_failed', 'The name is not known.');
  // All of them: one that is private among public ones is no accident.
  if (!addresses.every(rules.isAllowed)) throw refused('It leads to an address that is not public.');
  return { url, address };
}

async function addressesOf(host: string, resolve: Resolve): Promise<readonly string[]> {
  try {
    return await resolve(host);
  } catch (error) {
    throw new Problem('import_failed', 'The name is not known.', { cause: error });
  }
}

export const refused = (detail: string) => new Problem('import_refused', detail);
