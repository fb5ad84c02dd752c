import { type Page, queryOf } from '../api.ts';
import type { View } from '../context.ts';
import { fill, h } from '../dom.ts';
import { createForm, input, select } from '../form.ts';
import { exactly } from '../format.ts';
import { createPager } from '../pager.ts';
import { PATHS, profilePath } from '../paths.ts';
import type { PublicProfile } from '../types.ts';
import { deviceOf } from './account/device.ts';

type AuditEvent = {
  id: number;
  at: string;
  action: string;
  actorId: string | null;
  userId: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  address: string | null;
  userAgent: string | null;
  email: string | null;
  sealed: boolean;
};

/** What auth writes down; see `GET /auth/audit`. */
const ACTIONS = {
  Accounts: [
    'registered',
    'role_changed',
    'suspended',
    'unsuspended',
    'exported',
    'deletion_requested',
    'restored',
    'deleted',
  ].map((name) => `user.${name}`),
  'Signing in': [
    'login.succeeded',
    'login.failed',
    'login.locked',
    'session.revoked',
    'session.reuse_detected',
  ],
  Passwords: ['password.changed', 'password.reset_requested', 'password.reset'],
  'E-mail': ['email.verified', 'email.change_requested', 'email.changed'],
  'Second factors': ['enrolled', 'removed', 'reset', 'failed', 'recovery_codes_made', 'recovery_code_used']
    .map((name) => `mfa.${name}`)
    .concat('passkey.added', 'passkey.removed'),
  Keys: ['keys.rotated'],
};

export const audit: View = async ({ api }) => {
  const action = select({ '': 'Any' });
  for (const [label, names] of Object.entries(ACTIONS))
    action.append(h('optgroup', { label }, ...names.map((name) => h('option', { value: name }, name))));
  const userId = input('text', {
    value: new URLSearchParams(location.search).get('userId') ?? '',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const list = h('ol', { class: 'plain rows audit', 'data-testid': 'audit' });
  const names = new Map<string, Promise<string>>();

  /** Names of people, each asked for once; who is gone stays a number. */
  function nameOf(id: string): Promise<string> {
    const known =
      names.get(id) ??
      api.call<PublicProfile>('GET', 'auth', `/auth/users/${id}`).then(
        ({ username }) => `@${username}`,
        () => `…${id.slice(-12)}`,
      );
    names.set(id, known);
    return known;
  }

  function person(id: string): HTMLElement {
    const link = h('a', { href: profilePath(id), title: id }, `…${id.slice(-12)}`);
    void nameOf(id).then((name) => fill(link, name));
    return link;
  }

  function createRow(event: AuditEvent): HTMLElement {
    const { at, actorId, userId, before, after, address, userAgent, email } = event;
    const who = [
      actorId === null ? 'somebody unknown, or the system' : person(actorId),
      ...(userId === null || userId === actorId ? [] : [' → ', person(userId)]),
    ];
    const from = [address, userAgent === null ? null : deviceOf(userAgent), email].filter(
      (part) => part !== null,
    );
    const details = { ...(before === null ? {} : { before }), ...(after === null ? {} : { after }) };
    return h(
      'li',
      {},
      h(
        'div',
        {},
        h('strong', {}, event.action),
        ' ',
        event.sealed && h('span', { class: 'tag' }, 'sealed'),
        h('p', { class: 'meta' }, ...who, from.length > 0 && ` · ${from.join(' · ')}`),
      ),
      h('time', { class: 'meta', datetime: at }, exactly(at)),
      Object.keys(details).length > 0 && h('code', {}, JSON.stringify(details)),
    );
  }

  const pager = createPager<AuditEvent>({
    load: (cursor) =>
      api.call<Page<AuditEvent>>(
        'GET',
        'auth',
        `/auth/audit${queryOf({ action: action.value, userId: userId.value.trim(), cursor })}`,
      ),
    show: (events) => list.append(...events.map(createRow)),
    empty: 'Nothing of this kind.',
  });
  async function reload(): Promise<void> {
    fill(list);
    await pager.start();
  }

  const filter = createForm({
    fields: [
      { name: 'action', label: 'What happened', control: action },
      { name: 'userId', label: 'To whom', control: userId, hint: 'The id of a user' },
    ],
    submitLabel: 'Filter',
    submit: reload,
  });
  filter.classList.add('card', 'inline');
  await reload();
  const back = h('a', { href: PATHS.people, class: 'button' }, 'People');
  return h(
    'section',
    {},
    h('div', { class: 'heading' }, h('h1', {}, 'Audit log'), back),
    filter,
    list,
    pager.element,
  );
};
