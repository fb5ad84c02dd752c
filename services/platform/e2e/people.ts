import { eventually } from '@tertulia/shared/testing/eventually';
import { Centrifuge, type ServerPublicationContext } from 'centrifuge';
import type { Stack } from './stack.ts';

export type Person = { id: string; username: string; token: string };

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

export async function signUp(stack: Stack, username: string): Promise<Person> {
  const body = { username, email: `${username}@example.org`, password: 'correct horse battery' };
  const answer = await ask('POST', `${stack.url('auth')}/auth/register`, { body });
  return { id: answer.user.id, username, token: answer.accessToken };
}

type Heard = { offset: number; kind: string; type?: string; title?: string };

/** A person's own stream, by the published client. */
export function listen(stack: Stack, person: Person) {
  const address = `${stack.url('notifications').replace('http', 'ws')}/notifications/ws`;
  const client = new Centrifuge(address, {
    token: person.token,
    minReconnectDelay: 50,
    maxReconnectDelay: 200,
  });
  const heard: Heard[] = [];
  let recovered: boolean | undefined;
  client.on('publication', ({ offset, data }: ServerPublicationContext) => {
    const { type, title } = data.notification ?? {};
    heard.push({ offset: offset ?? -1, kind: data.kind, type, title });
  });
  client.on('subscribed', (context) => {
    recovered = context.recovered;
  });
  client.connect();
  return {
    client,
    heard,
    recovered: () => recovered,
    types: () => heard.map(({ type }) => type),
    /** Waits until so many have come. */
    hears: (count: number) => eventually(() => heard.length >= count, { ms: 20_000 }),
  };
}
