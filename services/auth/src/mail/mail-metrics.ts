import type { Db } from '@tertulia/shared/db/database';
import { exposeCounts, exposeGauge, type Metrics } from '@tertulia/shared/http/metrics';
import { mails } from '../db/schema.ts';
import type { MailOutcome } from './mail-sender.ts';

export type MailCounts = Record<MailOutcome, number>;

export const noMails = (): MailCounts => ({ sent: 0, failed: 0, dropped: 0, discarded: 0, unwanted: 0 });

/** `mails_total` by what became of them, and `mails_waiting`. */
export function registerMailMetrics({ registry }: Metrics, db: Db, counts: MailCounts): void {
  const total = { name: 'mails_total', help: 'Mails by what became of them.', label: 'outcome' };
  exposeCounts(registry, total, () => counts);
  exposeGauge(registry, { name: 'mails_waiting', help: 'Mails that are not out yet.' }, () =>
    db.$count(mails),
  );
}
