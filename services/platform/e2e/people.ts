import { eventually } from '@tertulia/shared/testing/eventually';
import { Centrifuge, type ServerPublicationContext } from 'centrifuge';
import type { Stack } from './stack.ts';

export type Person = { id: string; username: string; token: string };

/** Where the services are. */
export type Addresses = Pick<Stack, 'url'>;

/** Calls a service as a person, and fails on anything but success. */
export async function ask(
  method: string,
  url: string,
  { as, body }: { as?: Person; body?: unknown } = {},
  // biome-ignore lint/suspicious/noExplicitAny: a journey looks into bodies of every shape
): Promise<any> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(as === undefined ? {} : { Authorization: `Bearer ${as.token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

export async function signUp(stack: Addresses, username: string): Promise<Person> {
  const body = { username, email: `${username}@example.org`, password: 'correct horse battery' };
  const answer = await ask('POST', `${stack.url('auth')}/auth/register`, { body });
  return { id: answer.user.id, username, token: answer.accessToken };
}

type Heard = { offset: number; kind: string; type?: string; title?: string };

type Position = { epoch: string; offset: number };

/** A person's own stream, by the published client; what came after `since` is asked for. */
export function listen(stack: Addresses, person: Person, since?: Position) {
  const address = `${stack.url('notifications').replace('http', 'ws')}/notifications/ws`;
  const own = `user:${person.id}`;
  const client = new Centrifuge(address, {
    token: person.token,
    minReconnectDelay: 50,
    maxReconnectDelay: 200,
    ...(since === undefined ? {} : { data: { since: { [own]: since } } }),
  });
  const heard: Heard[] = [];
  let recovered: boolean | undefined;
  let epoch = since?.epoch ?? '';
  client.on('publication', ({ channel, offset, data }: ServerPublicationContext) => {
    if (channel !== own) return;
    const { type, title } = data.notification ?? {};
    heard.push({ offset: offset ?? -1, kind: data.kind, type, title });
  });
  client.on('subscribed', (context) => {
    if (context.channel !== own) return;
    recovered = context.recovered;
    epoch = context.streamPosition?.epoch ?? epoch;
  });
  client.connect();
  return {
    client,
    heard,
    recovered: () => recovered,
    /** Where another client may go on. */
    position: (): Position => ({ epoch, offset: heard.at(-1)?.offset ?? since?.offset ?? 0 }),
    types: () => heard.map(({ type }) => type),
    /** Waits until so many have come. */
    hears: (count: number) => eventually(() => heard.length >= count, { ms: 20_000 }),
  };
}
