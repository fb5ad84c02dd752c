import { expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ADMIN, PASSWORD, SECRETS } from './people.ts';
import type { World } from './world.ts';

/** What the services have written while all of this was going on. */
export function describeLogs(world: () => World): void {
  test('no secret is in a log, and each entry is one line', async () => {
    const { logs, owner, staff, stack } = world();
    const tokens = [owner, staff.admin, staff.moderator, staff.stranger].map(({ token }) => token);
    const password = new URL(stack.databaseUrl('auth')).password;
    const secrets = [
      ...tokens,
      ...Object.values(staff.bad),
      ...Object.values(SECRETS),
      owner.refreshToken,
      PASSWORD,
      ADMIN.password,
      ...(password.length < 8 ? [] : [password]),
    ];
    let entries = 0;
    for (const file of await readdir(logs)) {
      const log = await Bun.file(join(logs, file)).text();
      for (const secret of secrets) expect(log.includes(secret), `${file} tells ${secret}`).toBe(false);
      for (const line of log.split('\n')) {
        if (line === '') continue;
        entries++;
        expect(() => JSON.parse(line), line).not.toThrow();
      }
    }
    expect(entries).toBeGreaterThan(1000);
  });
}
