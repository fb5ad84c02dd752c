import type { Context } from '../context.ts';
import { confirm, openForm } from '../dialog.ts';
import { input, select, textarea } from '../form.ts';
import type { Role, User } from '../types.ts';

type Whom = { id: string; username: string };

export const ROLES: Record<Role, string> = { USER: 'User', MODERATOR: 'Moderator', ADMIN: 'Administrator' };

/** Asks for a reason and an end, and shuts somebody out. */
export function suspend({ api, toasts }: Context, { id, username }: Whom, done = () => {}): void {
  const fields = [
    { name: 'reason', label: 'Reason', control: textarea('', { rows: 3 }), hint: `@${username} is told.` },
    {
      name: 'until',
      label: 'Until',
      control: input('datetime-local'),
      hint: 'Left empty, until somebody ends it',
    },
  ];
  openForm(`Suspend @${username}?`, fields, 'Suspend', async ({ reason, until = '' }) => {
    const end = until === '' ? {} : { until: new Date(until).toISOString() };
    await api.call('PUT', 'auth', `/auth/users/${id}/suspension`, { body: { reason, ...end } });
    toasts.show({ title: `@${username} is suspended` });
    done();
  });
}

export async function liftSuspension({ api, toasts }: Context, { id, username }: Whom, done = () => {}) {
  if (!(await confirm(`Let @${username} in again?`, 'End suspension'))) return;
  await api.call('DELETE', 'auth', `/auth/users/${id}/suspension`);
  toasts.show({ title: `@${username} is not suspended` });
  done();
}

export function changeRole({ api, toasts }: Context, user: User, done: (changed: User) => void): void {
  const control = select(ROLES, user.role);
  const fields = [{ name: 'role', label: 'Role', control, codes: ['last_admin'] }];
  openForm(`Role of @${user.username}`, fields, 'Change', async (body) => {
    const changed = await api.call<User>('PUT', 'auth', `/auth/users/${user.id}/role`, { body });
    toasts.show({ title: `@${user.username}: ${ROLES[changed.role]}` });
    done(changed);
  });
}

/** For who has lost them all. */
export async function resetFactors({ api, toasts }: Context, { id, username }: Whom): Promise<void> {
  const question = `Remove all second factors and passkeys of @${username}? They are told by mail, and signed out.`;
  if (!(await confirm(question, 'Remove them'))) return;
  await api.call('DELETE', 'auth', `/auth/users/${id}/factors`);
  toasts.show({ title: `@${username} signs in with the password alone now` });
}
