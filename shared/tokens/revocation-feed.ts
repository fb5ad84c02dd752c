import { Gauge, type Registry } from 'prom-client';
import type { LiveBus } from '../live/bus.ts';
import type { Log } from '../runtime/log.ts';
import { every } from '../runtime/loop.ts';
import { BEAT_TOPIC, parseBeat, type RevocationsPage } from './revocation-beat.ts';
import type { Revocation, Revocations } from './revocations.ts';

const TICK_MS = 100;
/** No beat for so long: what carries it is away. */
const SILENCE_MS = 1000;
/** So long an event may be on its way before auth is asked for it. */
const BEHIND_MS = 500;
const ASK_MS = 1000;
const MAX_PAGES = 50;
const PATIENCE_SECONDS = 5;

type Options = {
  bus: LiveBus;
  /** One page of `GET /auth/revocations`. */
  ask(since: number): Promise<RevocationsPage>;
  revocations: Revocations;
  /** Keeps what auth told, for this service's other processes and its next start. */
  save(rows: readonly Revocation[]): Promise<void>;
  log: Log;
};

export type RevocationFeed = {
  /** Seconds since this process last knew all there was to know. */
  age(): number;
  /** `revocation_feed_age_seconds`. */
  register(registry: Registry): void;
  stop(): Promise<void>;
};

/**
 * Sees to it that a revocation is known here within two seconds, as long as Redis or auth can be reached. The
 * event and the table are the way; this is the way round. Auth's beat names the latest revocations: who hears
 * none, or hears of one that does not arrive, asks auth, at most once a second. While auth is away too, what
 * is known goes on to count.
 */
export function startRevocationFeed({ bus, ask, revocations, save, log }: Options): RevocationFeed {
  let since = 0;
  let beat = Number.NEGATIVE_INFINITY;
  let latest: number[] = [];
  let behind: number | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  let fresh = Date.now();
  let failing = false;
  let leave: Promise<() => void> | undefined;

  function onBeat(message: string): void {
    const seqs = parseBeat(message);
    if (seqs === undefined) return;
    beat = Date.now();
    latest = seqs;
    look(beat);
  }

  function look(now: number): void {
    latest = latest.filter((seq) => !revocations.has(seq));
    if (latest.length > 0) behind ??= now;
    else behind = undefined;
    if (behind === undefined && now - beat < SILENCE_MS) fresh = beat;
  }

  async function askAuth(now: number): Promise<void> {
    asked = now;
    for (let page = 0; page < MAX_PAGES; page++) {
      const { items, next, more } = await ask(since);
      const rows = items.map((item) => ({ ...item, expiresAt: new Date(item.expiresAt) }));
      const news = rows.filter(({ seq }) => !revocations.has(seq));
      revocations.add(news);
      since = next;
      // In memory it counts already: a database that is away must not keep the rest from coming.
      if (news.length > 0) {
        save(news).catch((err: unknown) => log.warn({ err }, 'revocations known, but not kept'));
      }
      if (!more) break;
    }
    fresh = Math.max(fresh, now);
  }

  function subscribe(): void {
    leave = bus.subscribe(BEAT_TOPIC, onBeat);
    leave.catch((err: unknown) => {
      log.debug({ err }, 'not subscribed to revocations yet');
      leave = undefined;
    });
  }

  async function tick(): Promise<void> {
    const now = Date.now();
    // Not awaited: a Redis that is away answers late, and auth is asked meanwhile.
    if (leave === undefined) subscribe();
    look(now);
    const late = behind !== undefined && now - behind >= BEHIND_MS;
    if ((now - beat < SILENCE_MS && !late) || now - asked < ASK_MS) return;
    await askAuth(now);
    if (failing) log.info('auth answers for revocations again');
    failing = false;
  }

  const age = () => Math.max(0, Date.now() - fresh) / 1000;
  const loop = every(TICK_MS, tick, (err) => {
    // At a start of everything at once, auth may be the last to come.
    if (failing || age() < PATIENCE_SECONDS) return;
    failing = true;
    log.warn({ err }, 'neither beats nor auth: going on with the revocations that are known');
  });

  return {
    age,
    register(registry) {
      new Gauge({
        name: 'revocation_feed_age_seconds',
        help: 'Time since this process last knew every revocation.',
        registers: [registry],
        collect() {
          this.set(age());
        },
      });
    },
    async stop() {
      await loop.stop();
      const back = await leave?.catch(() => undefined);
      back?.();
    },
  };
}
