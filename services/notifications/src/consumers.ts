import type { Tx } from '@tertulia/shared/db/database';
import { departureConsumers } from '@tertulia/shared/departures/departures';
import type { AfterCommit, Consumers } from '@tertulia/shared/events/consumers';
import { revocationConsumers } from '@tertulia/shared/tokens/revocation-store';
import {
  loginFailedNotice,
  newDeviceNotice,
  passwordChangedNotice,
  profileUpdatedNotice,
  roleChangedNotice,
  sessionEndedNotice,
} from './account-notices.ts';
import { saveRecipient } from './inbox/inbox.repository.ts';
import { type Notice, notify, type Publish } from './inbox/inbox.service.ts';
import {
  likedNotice,
  mediaDeletedNotice,
  moderatedNotice,
  quotaNotice,
  reportedNotice,
  uploadFailedNotice,
} from './media-notices.ts';
import { userChannel } from './streams/streams.repository.ts';
import { excerptOf } from './texts/languages.ts';
import type { NotificationType } from './texts/texts.ts';

/** Where notifications listens. Nobody is told of their own act, and one event tells one person once. */
export function createConsumers(publish: Publish): Consumers {
  /** Notifies in the transaction, and wakes the sockets once it is committed. */
  async function tell<Type extends NotificationType>(
    tx: Tx,
    after: AfterCommit,
    notice: Notice<Type>,
  ): Promise<void> {
    const entry = await notify(tx, notice);
    after(() => publish(userChannel(notice.userId), entry));
  }

  return {
    ...revocationConsumers,
    ...departureConsumers,

    async 'user.registered'(tx, { data }, after) {
      await saveRecipient(tx, data.userId, data.locale);
      await tell(tx, after, {
        userId: data.userId,
        type: 'user_registered',
        parameters: { username: data.username },
        priority: 'low',
        data: { userId: data.userId, link: `/users/${data.userId}` },
      });
    },

    async 'user.profile_updated'(tx, { data }, after) {
      await saveRecipient(tx, data.userId, data.locale);
      await tell(tx, after, profileUpdatedNotice(data));
    },

    async 'user.role_changed'(tx, { data, actorId }, after) {
      if (actorId !== data.userId) await tell(tx, after, roleChangedNotice(data));
    },

    'user.password_changed': (tx, { data }, after) => tell(tx, after, passwordChangedNotice(data)),

    async 'session.started'(tx, { data }, after) {
      if (data.newDevice) await tell(tx, after, newDeviceNotice(data));
    },

    async 'session.revoked'(tx, { data }, after) {
      // Other ends are acts of the user, or told as what they are.
      if (data.reason === 'reuse') await tell(tx, after, sessionEndedNotice(data));
    },

    'login.failed': (tx, { data }, after) => tell(tx, after, loginFailedNotice(data)),

    async 'media.uploaded'(tx, { data }, after) {
      await tell(tx, after, {
        userId: data.ownerId,
        type: 'upload_completed',
        parameters: { mediaTitle: data.title },
        data: { mediaId: data.mediaId, link: `/media/${data.mediaId}` },
      });
    },

    async 'media.deleted'(tx, { data, actorId }, after) {
      // What went from the trash, or was moderated, its owner has heard of.
      if (actorId === data.ownerId || data.trashed || data.moderated) return;
      await tell(tx, after, mediaDeletedNotice(data));
    },

    async 'media.liked'(tx, { data, actorId }, after) {
      if (actorId !== data.ownerId) await tell(tx, after, likedNotice(data));
    },

    async 'media.reported'(tx, { data }, after) {
      // The first of them: a number would tell whoever sends them how far it is to the threshold.
      if (data.reports === 1) await tell(tx, after, reportedNotice(data));
    },

    async 'media.moderated'(tx, { data, actorId }, after) {
      if (actorId !== data.ownerId) await tell(tx, after, moderatedNotice(data));
    },

    'upload.failed': (tx, { data }, after) => tell(tx, after, uploadFailedNotice(data)),
    'quota.reached': (tx, { data }, after) => tell(tx, after, quotaNotice(data)),

    async 'comment.created'(tx, { data }, after) {
      const parameters = {
        actor: data.authorUsername,
        mediaTitle: data.mediaTitle,
        excerpt: excerptOf(data.content),
      };
      const about = {
        mediaId: data.mediaId,
        commentId: data.commentId,
        parentId: data.parentId,
        actorId: data.authorId,
        link: `/media/${data.mediaId}#comment-${data.commentId}`,
      };
      const { parentAuthorId: answered, mediaOwnerId: owner, authorId: author } = data;
      if (answered !== null && answered !== author) {
        await tell(tx, after, { userId: answered, type: 'comment_reply', parameters, data: about });
      }
      if (owner !== author && owner !== answered) {
        await tell(tx, after, { userId: owner, type: 'new_comment', parameters, data: about });
      }
    },
  };
}
