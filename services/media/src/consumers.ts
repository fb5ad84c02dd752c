import { departureConsumers } from '@tertulia/shared/departures/departures';
import type { Consumers } from '@tertulia/shared/events/consumers';
import { revocationConsumers } from '@tertulia/shared/tokens/revocation-store';

/** Where media listens: what was revoked, and who has gone. */
export const consumers: Consumers = { ...revocationConsumers, ...departureConsumers };
