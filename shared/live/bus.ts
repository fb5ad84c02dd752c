/**
 * Carries hints to whoever listens right now, on every node. A hint may be lost, doubled or overtaken:
 * truth is in Postgres, and listeners must be able to do without.
 */
export type LiveBus = {
  /** Resolves when the carrier has it; messages over {@link MAX_HINT_BYTES} arrive as the empty string. */
  publish(topic: string, message: string): Promise<void>;
  /** Resolves once subscribed: what is published afterwards arrives. Returns the way back. */
  subscribe(topic: string, listener: (message: string) => void): Promise<() => void>;
  /** Called after the link was down: hints may have been missed. */
  onGap(listener: () => void): void;
  ping(): Promise<unknown>;
  close(): Promise<void>;
};

/** Postgres carries at most 8,000 bytes a notification; the same bound holds everywhere. */
export const MAX_HINT_BYTES = 7500;

/** Listeners by topic, the half that every implementation needs. */
export function createTopics() {
  const topics = new Map<string, Set<(message: string) => void>>();
  return {
    /** True when the topic is new. */
    add(topic: string, listener: (message: string) => void): boolean {
      const listeners = topics.get(topic);
      if (listeners !== undefined) {
        listeners.add(listener);
        return false;
      }
      topics.set(topic, new Set([listener]));
      return true;
    },
    /** True when nobody is left. */
    remove(topic: string, listener: (message: string) => void): boolean {
      const listeners = topics.get(topic);
      if (listeners === undefined || !listeners.delete(listener) || listeners.size > 0) return false;
      return topics.delete(topic);
    },
    deliver(topic: string, message: string): void {
      for (const listener of topics.get(topic) ?? []) listener(message);
    },
  };
}

/** The message, or the empty string where it is too large to be carried. */
export function fitting(message: string): string {
  return Buffer.byteLength(message) <= MAX_HINT_BYTES ? message : '';
}
