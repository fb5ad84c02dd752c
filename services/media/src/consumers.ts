import type { Consumers } from '@tertulia/shared/events/consumers';
import { revocationConsumers } from '@tertulia/shared/tokens/revocation-store';

/** Where media listens: what was revoked. */
export const consumers: Consumers = { ...revocationConsumers };
