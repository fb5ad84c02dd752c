import { eventually } from '@tertulia/shared/testing/eventually';
import postgres from 'postgres';
import { ask, type Person } from '../people.ts';
import type { Stack } from '../stack.ts';
import { PASSWORD, signIn, signUp } from './people.ts';
import type { Route } from './routes.ts';
import { type Known, PNG } from './samples.ts';

export type Kind = 'media' | 'album' | 'comment' | 'upload' | 'session' | 'notification' | 'passkey' | 'user';

/** Somebody, and one thing of each kind: `hidden` from all but the owner (and moderators), `shown` to all. */
export type Owner = Person & {
  email: string;
  refreshToken: string;
  things: Record<Kind, { hidden?: string; shown?: string }>;
};

/** Nobody but the owner has anything to do with these, whatever their role. */
export const PERSONAL: ReadonlySet<Kind> = new Set(['upload', 'session', 'notification', 'passkey']);

const KINDS: [RegExp, Kind][] = [
  [/^\/auth\/sessions\/\{/, 'session'],
  [/^\/auth\/passkeys\/\{/, 'passkey'],
  [/^\/auth\/(users|promote)\/\{/, 'user'],
  [/^\/media\/usage\/\{/, 'user'],
  [/^\/albums\/\{/, 'album'],
  [/^\/media\/uploads\/\{/, 'upload'],
  [/^\/media\/\{/, 'media'],
  [/^\/comments\/(media|stats)\/\{/, 'media'],
  [/^\/comments\/\{/, 'comment'],
  [/^\/notifications\/\{/, 'notification'],
];

/** What a route is about: by its path, or by the media that its body names. */
export function kindOf({ path, body }: Route): Kind | undefined {
  const found = KINDS.find(([pattern]) => pattern.test(path))?.[1];
  if (found !== undefined || path.includes('{')) return found;
  return body?.schema.properties?.mediaId === undefined ? undefined : 'media';
}

export async function makeOwner(stack: Stack): Promise<Owner> {
  const owner = await signUp(stack);
  const [hidden, shown] = await Promise.all([
    upload(stack, owner, 'private'),
    upload(stack, owner, 'public'),
  ]);
  const say = (mediaId: string) =>
    eventually<{ id: string }>(() =>
      ask('POST', `${stack.url('comments')}/comments`, { as: owner, body: { mediaId, content: 'Mine' } }),
    );
  const makeAlbum = async (visibility: string) =>
    (await ask('POST', `${stack.url('media')}/albums`, { as: owner, body: { title: 'Mine', visibility } }))
      .id;
  const [there, albums, comments, notification, uploadId, passkey] = await Promise.all([
    signIn(stack, owner.email),
    Promise.all([makeAlbum('private'), makeAlbum('public')]),
    Promise.all([say(hidden), say(shown)]),
    eventually(
      async () =>
        (await ask('GET', `${stack.url('notifications')}/notifications`, { as: owner })).items[0]
          ?.id as string,
    ),
    startUpload(stack, owner),
    insertPasskey(stack, owner),
  ]);
  const sid = JSON.parse(Buffer.from(there.token.split('.')[1] ?? '', 'base64url').toString()).sid;
  return {
    ...owner,
    things: {
      media: { hidden, shown },
      album: { hidden: albums[0], shown: albums[1] },
      comment: { hidden: comments[0].id, shown: comments[1].id },
      upload: { hidden: uploadId },
      session: { hidden: sid },
      notification: { hidden: notification },
      passkey: { hidden: passkey },
      user: { shown: owner.id },
    },
  };
}

async function upload(stack: Stack, { token }: Person, visibility: string): Promise<string> {
  const body = new FormData();
  body.set('visibility', visibility);
  body.set('file', new Blob([PNG.slice()], { type: 'image/png' }), 'dot.png');
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${stack.url('media')}/media`, { method: 'POST', headers, body });
  if (answer.status !== 201) throw new Error(`upload: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { id: string }).id;
}

async function startUpload(stack: Stack, { token }: Person): Promise<string> {
  const headers = { Authorization: `Bearer ${token}`, 'Tus-Resumable': '1.0.0', 'Upload-Length': '1000' };
  const answer = await fetch(`${stack.url('media')}/media/uploads`, { method: 'POST', headers });
  return answer.headers.get('Location')?.split('/').at(-1) ?? '';
}

/** No browser is here to make one. */
async function insertPasskey(stack: Stack, { id }: Person): Promise<string> {
  const sql = postgres(stack.databaseUrl('auth'), { max: 1 });
  const passkey = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
  await sql`insert into passkeys (id, user_id, public_key, counter, transports, name)
    values (${passkey}, ${id}, 'x', 0, '{}', 'Mine')`;
  await sql.end();
  return passkey;
}

/** What a field of that name holds when nothing is wrong with it. */
export function knownOf(owner: Owner): Known {
  return {
    email: owner.email,
    password: PASSWORD,
    currentPassword: PASSWORD,
    newPassword: 'Canary-another-horse-9Rt3',
    refreshToken: owner.refreshToken,
    mediaId: owner.things.media.shown,
    parentId: undefined,
    after: undefined,
    // Would end every token that there is.
    revoke: false,
    ids: [owner.things.notification.hidden],
    until: new Date(Date.now() + 86_400_000).toISOString(),
  };
}

/** Everything of an owner, as the owner sees it: equal as long as nobody has changed it. */
export async function stateOf(stack: Stack, { token, things }: Owner): Promise<unknown[]> {
  const headers = { Authorization: `Bearer ${token}` };
  const read = async (url: string) => {
    const answer = await fetch(url, { headers });
    return [answer.status, await answer.json()];
  };
  const head = async () => {
    const url = `${stack.url('media')}/media/uploads/${things.upload.hidden}`;
    const answer = await fetch(url, { method: 'HEAD', headers: { ...headers, 'Tus-Resumable': '1.0.0' } });
    return [answer.status, answer.headers.get('Upload-Offset'), answer.headers.get('Upload-Length')];
  };
  const sessions = (
    await ask('GET', `${stack.url('auth')}/auth/sessions`, { as: { token, id: '', username: '' } })
  ).items;
  return Promise.all([
    ...[things.media.hidden, things.media.shown].map((id) => read(`${stack.url('media')}/media/${id}`)),
    ...[things.album.hidden, things.album.shown].map((id) => read(`${stack.url('media')}/albums/${id}`)),
    ...[things.comment.hidden, things.comment.shown].map((id) =>
      read(`${stack.url('comments')}/comments/${id}`),
    ),
    read(`${stack.url('notifications')}/notifications/${things.notification.hidden}`),
    read(`${stack.url('auth')}/auth/passkeys`),
    read(`${stack.url('auth')}/auth/profile`),
    sessions.map(({ id }: { id: string }) => id),
    head(),
  ]);
}
