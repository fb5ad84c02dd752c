import type { Redis } from 'ioredis';
import { createTopics, fitting, type LiveBus } from './bus.ts';

const PREFIX = 'live:';

/** {@link LiveBus} on Redis Pub/Sub: one subscription per topic and node, on a connection of its own. */
export function redisBus(redis: Redis): LiveBus {
  const { add, remove, deliver } = createTopics();
  // Subscribing is harmless to repeat, so it may queue; ioredis does it again after a loss.
  const subscriber = redis.duplicate({ enableOfflineQueue: true, autoResubscribe: true });
  const gaps: (() => void)[] = [];
  subscriber.on('error', () => {}); // Every command's own rejection tells.
  subscriber.on('message', (channel: string, message: string) =>
    deliver(channel.slice(PREFIX.length), message),
  );
  let connectedBefore = false;
  subscriber.on('ready', () => {
    if (connectedBefore) for (const listener of gaps) listener();
    connectedBefore = true;
  });

  return {
    async publish(topic, message) {
      await redis.publish(PREFIX + topic, fitting(message));
    },
    async subscribe(topic, listener) {
      add(topic, listener);
      const leave = () => {
        if (remove(topic, listener)) subscriber.unsubscribe(PREFIX + topic).catch(() => {});
      };
      try {
        // Also for a known topic: it may still be on its way.
        await subscriber.subscribe(PREFIX + topic);
      } catch (error) {
        leave();
        throw error;
      }
      return leave;
    },
    onGap(listener) {
      gaps.push(listener);
    },
    ping: () => redis.ping(),
    async close() {
      subscriber.disconnect();
    },
  };
}
