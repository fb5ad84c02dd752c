import assert from 'node:assert/strict';
import { eventually } from '@tertulia/shared/testing/eventually';
import * as tus from 'tus-js-client';
import { type Addresses, ask, type Person } from '../e2e/people.ts';
import { docker, type Project } from './project.ts';
import type { Writer } from './writer.ts';

const SERVICES = ['auth', 'media', 'comments', 'notifications', 'web'] as const;

/** Uploads by tus-js-client, which tries again whatever happens; `halfway` runs when half is there. */
export async function upload(
  stack: Addresses,
  person: Person,
  film: Buffer,
  halfway: () => Promise<unknown>,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let happened: Promise<unknown> | undefined;
  new tus.Upload(film, {
    endpoint: `${stack.url('media')}/media/uploads`,
    headers: { Authorization: `Bearer ${person.token}` },
    metadata: { filename: 'film.mp4', filetype: 'video/mp4', title: 'A film' },
    chunkSize: 1024 * 1024,
    retryDelays: Array(200).fill(200),
    onProgress(sent) {
      if (sent < film.length / 2 || happened !== undefined) return;
      happened = halfway();
      happened.catch(reject);
    },
    onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader('Media-Id') ?? ''),
    onError: reject,
  }).start();
  const mediaId = await promise;
  assert(happened !== undefined);
  await happened;
  return mediaId;
}

/** What is delivered is what was uploaded. */
export async function sameBytes(stack: Addresses, mediaId: string, film: Buffer): Promise<void> {
  const response = await eventually(async () => {
    const answer = await fetch(`${stack.url('media')}/media/${mediaId}/content`);
    return answer.ok && answer;
  });
  const hash = new Bun.CryptoHasher('sha256');
  for await (const chunk of response.body ?? []) hash.update(chunk);
  assert.equal(hash.digest('hex'), new Bun.CryptoHasher('sha256').update(film).digest('hex'));
}

/** Until the first notification has made its way. */
export async function welcomed(stack: Addresses, person: Person): Promise<void> {
  const inbox = `${stack.url('notifications')}/notifications`;
  await eventually(
    async () => (await ask('GET', inbox, { as: person })).items[0]?.type === 'user_registered',
    {
      ms: 20_000,
    },
  );
}

/** What the thread holds is what was acknowledged, once each. */
export async function sameComments(
  stack: Addresses,
  mediaId: string,
  { acknowledged }: Writer,
): Promise<void> {
  const found: [string, string][] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = `limit=100&sort=oldest${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const page = await ask('GET', `${stack.url('comments')}/comments/media/${mediaId}?${query}`);
    for (const { id, content } of page.items) found.push([id, content]);
    cursor = page.nextCursor;
  }
  assert.deepEqual(found.slice(1), [...acknowledged], 'the thread is not what was acknowledged');
}

type State = { Service: string; Name: string; Health: string; State: string; ID: string; ExitCode: number };

/** Every container of the project. */
export async function states(project: Project): Promise<State[]> {
  const text = await project.compose('--profile', 'edge', 'ps', '-a', '--format', 'json');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** True when every container is. */
export const healthy = async (project: Project) =>
  (await states(project)).every(({ Health }) => Health === 'healthy');

/** When each service was started, and how often it was started again. */
export async function starts(project: Project): Promise<string> {
  const ids = (await states(project))
    .filter(({ Service }) => SERVICES.some((name) => name === Service))
    .map(({ ID }) => ID);
  const { stdout } = await docker(
    'inspect',
    '-f',
    '{{.Name}} {{.State.StartedAt}} {{.RestartCount}}',
    ...ids,
  );
  return stdout;
}

/** Services are not root and cannot write to their images; Redis keeps streams; what is bundled is served. */
export async function hardened(project: Project): Promise<void> {
  for (const service of SERVICES) {
    const who = await project.compose('exec', '-T', service, 'id', '-un');
    assert.equal(who.trim(), 'bun');
    const { code } = await project.tryCompose('exec', '-T', service, 'touch', '/app/x');
    assert.notEqual(code, 0, `${service} can write to its own image`);
  }
  const setting = (name: string) =>
    project.compose('exec', '-T', 'events-redis', 'redis-cli', 'config', 'get', name);
  assert.match(await setting('appendonly'), /yes/);
  assert.match(await setting('maxmemory-policy'), /volatile-lru/);
  for (const [service, port] of [
    ['auth', 'AUTH'],
    ['web', 'WEB'],
  ] as const) {
    const path = service === 'web' ? '/config.json' : '/api/docs/swagger-ui-bundle.js';
    assert.equal((await fetch(`http://127.0.0.1:${project.port(port)}${path}`)).status, 200);
  }
  console.log(
    '  services run as `bun`, and cannot write where they stand; Redis is append-only, volatile-lru',
  );
}

/** True once comments answers by way of nginx. */
export async function edgeAnswers(project: Project): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${project.port('EDGE')}/comments/health`).catch(
    () => undefined,
  );
  return answer !== undefined && answer.status < 500;
}

/** Until the edge has had answers from two replicas of each scaled service. */
export async function bothAnswer(
  project: Project,
  stack: Addresses,
  person: Person,
  writer: Writer,
): Promise<void> {
  await eventually(
    async () => {
      await writer.writes(5);
      await ask('GET', `${stack.url('notifications')}/notifications/unread-count`, { as: person });
      const log = await project.compose('--profile', 'edge', 'logs', '--no-log-prefix', '--no-color', 'edge');
      const replicas = (path: string) =>
        new Set(
          [
            ...log.matchAll(new RegExp(`"path":"/${path}[^"]*","status":20\\d,.*"upstream":"([^",]+)"`, 'g')),
          ].map(([, at]) => at),
        );
      return replicas('comments').size >= 2 && replicas('notifications').size >= 2;
    },
    { ms: 60_000, every: 100 },
  );
}

/** Ends a replica without notice. */
export async function killed(project: Project, service: string, which: number): Promise<void> {
  const { code, stderr } = await docker('kill', `${project.name}-${service}-${which}`);
  assert.equal(code, 0, stderr);
}

/** What each image holds, in all and of our own. */
export async function printSizes(project: Project): Promise<void> {
  for (const service of SERVICES) {
    const image = `${project.name}-${service}`;
    const { stdout } = await docker('image', 'inspect', '-f', '{{.Size}}', image);
    const app = await docker('run', '--rm', '--entrypoint', 'du', image, '-sk', '/app');
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    console.log(
      `  ${service.padEnd(14)} ${megabytes(Number(stdout))}, of which ours ${megabytes(Number.parseInt(app.stdout, 10) * 1024)}`,
    );
  }
}
