/** What the services answer, as far as this page shows it. */

export type Role = 'USER' | 'MODERATOR' | 'ADMIN';

export type PublicProfile = {
  id: string;
  username: string;
  displayName: string | null;
  bio: string | null;
  role: Role;
  createdAt: string;
};

export type User = PublicProfile & {
  email: string;
  emailVerified: boolean;
  status: 'active' | 'suspended' | 'deleting';
};

export type Visibility = 'public' | 'unlisted' | 'private';

export type Media = {
  id: string;
  ownerId: string;
  ownerUsername: string;
  kind: 'image' | 'video' | 'audio';
  mimeType: string;
  filename: string;
  title: string;
  description: string;
  tags: string[];
  visibility: Visibility;
  size: number;
  status: 'processing' | 'ready' | 'failed';
  createdAt: string;
  links: { self: string; content: string };
};

export type Comment = {
  id: string;
  mediaId: string;
  parentId: string | null;
  depth: number;
  authorId: string | null;
  authorUsername: string | null;
  content: string | null;
  status: 'pending' | 'approved' | 'rejected' | 'flagged';
  replyCount: number;
  createdAt: string;
  editedAt: string | null;
  deleted: boolean;
  /** Its first replies, where a page of threads brought them. */
  replies?: Comment[];
};

export type Notification = {
  id: string;
  offset: number;
  type: string;
  title: string;
  message: string;
  priority: 'low' | 'medium' | 'high' | 'critical';
  data: { link?: string; mediaId?: string; commentId?: string };
  read: boolean;
  createdAt: string;
};

/** `data` of a publication on one's own stream. */
export type StreamEntry =
  | { kind: 'notification'; notification: Notification; unread: number }
  | { kind: 'read'; ids?: string[]; upTo?: number; unread: number }
  | { kind: 'deleted'; ids: string[]; unread: number }
  | { kind: 'void' };

/** Roles are ordered. */
export const atLeast = (role: Role | undefined, wanted: Role) =>
  role !== undefined && ORDER.indexOf(role) >= ORDER.indexOf(wanted);

const ORDER: readonly Role[] = ['USER', 'MODERATOR', 'ADMIN'];
