/** Where one is in a stream: what `connect.data.since` takes. */
export type Position = { epoch: string; offset: number };

const keyOf = (channel: string) => `tertulia.position.${channel}`;

/**
 * How far each stream has been read in this browser. The SDK keeps positions while the page lives; after a
 * reload it knows none, so they are kept here and handed to the server with `connect`.
 */
export function readPosition(channel: string): Position | undefined {
  try {
    const { epoch, offset } = JSON.parse(localStorage.getItem(keyOf(channel)) ?? '');
    return typeof epoch === 'string' && Number.isInteger(offset) ? { epoch, offset } : undefined;
  } catch {
    return undefined;
  }
}

export function writePosition(channel: string, position: Position): void {
  localStorage.setItem(keyOf(channel), JSON.stringify(position));
}
