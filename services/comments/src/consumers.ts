import { departureConsumers } from '@tertulia/shared/departures/departures';
import type { EventData } from '@tertulia/shared/events/catalog';
import type { Consumers } from '@tertulia/shared/events/consumers';
import { revocationConsumers } from '@tertulia/shared/tokens/revocation-store';
import {
  addMedia,
  type MediaFacts,
  markMedia,
  markMediaDeleted,
  updateMedia,
} from './media/media.repository.ts';

/** Where comments listens: its own copy of media, what was revoked, and who has gone. */
export const consumers: Consumers = {
  ...revocationConsumers,
  ...departureConsumers,
  'media.uploaded': (tx, { data }) => addMedia(tx, toFacts(data)),
  'media.updated': (tx, { data }) => updateMedia(tx, toFacts(data)),
  'media.deleted': (tx, { data }) =>
    data.final ? markMediaDeleted(tx, toFacts(data)) : markMedia(tx, toFacts(data), { trashed: true }),
  'media.restored': (tx, { data }) => markMedia(tx, toFacts(data), { trashed: false }),
  async 'media.moderated'(tx, { data }) {
    // What is removed goes into the trash, and says so itself.
    if (data.action !== 'remove') await markMedia(tx, toFacts(data), { hidden: data.action === 'hide' });
  },
};

function toFacts(data: EventData<'media.updated'>): MediaFacts {
  const { mediaId, ownerId, ownerUsername, title, visibility } = data;
  return { id: mediaId, ownerId, ownerUsername, title, visibility };
}
