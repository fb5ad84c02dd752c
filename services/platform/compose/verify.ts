import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@tertulia/shared/testing/eventually';
import { type Addresses, ask, listen, signUp } from '../e2e/people.ts';
import { makeVideo } from '../e2e/video.ts';
import { badInput } from './bad-input.ts';
import {
  bothAnswer,
  edgeAnswers,
  hardened,
  healthy,
  killed,
  printSizes,
  sameBytes,
  sameComments,
  starts,
  upload,
  welcomed,
} from './checks.ts';
import { engineProblem, OVERLAYS, openProject, type Project } from './project.ts';
import { secondsSince, step } from './steps.ts';
import { startWriter } from './writer.ts';

/** Comments that are acknowledged before and after each thing that breaks. */
const UNDER_WAY = 15;
/** Empty is unset: the files hold them. */
const FROM_FILES = { AUTH_SECRET: '', SERVICE_SECRET: '', METRICS_TOKEN: '' };
const SCALED = [
  '--profile',
  'edge',
  'up',
  '-d',
  '--wait',
  '--scale',
  'comments=2',
  '--scale',
  'notifications=2',
];

/** The whole check on an engine; what it made is taken down, however it ends. */
export async function main(): Promise<void> {
  const problem = await engineProblem();
  if (problem !== undefined) {
    console.error(`verify:compose: nothing was verified: ${problem}`);
    process.exit(1);
  }
  // Limits are for people; folding would make the count of notifications depend on time.
  const project = await openProject({ RATE_LIMIT_SCALE: '1000', FOLD_AFTER: '0', RESTART: 'on-failure:2' });
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-film-'));
  let removing: Promise<void> | undefined;
  const remove = () => {
    removing ??= step('taken down, with volumes and images', () => project.remove()).then(() =>
      rm(folder, { recursive: true }),
    );
    return removing;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void remove().finally(() => process.exit(130)));
  }
  try {
    await verify(project, folder);
  } catch (error) {
    process.exitCode = 1;
    // Interrupted, the stack goes away under us: that is no finding.
    if (removing === undefined) {
      console.error(error);
      const { stdout } = await project.tryCompose('logs', '--no-color', '--tail', '40');
      console.error(stdout);
    }
  } finally {
    await remove();
  }
  if (process.exitCode !== 1) console.log(`verify:compose: all is well (${secondsSince(0)})`);
  // Sockets of clients that were left to themselves must not keep us.
  process.exit();
}

async function verify(project: Project, folder: string): Promise<void> {
  await step('images built', () => project.compose('build'));
  await printSizes(project);
  await step('stack up: every store, service and the web client healthy', () =>
    project.compose('up', '-d', '--wait'),
  );
  await hardened(project);

  let behindEdge = false;
  const stack: Addresses = {
    url: (service) =>
      `http://127.0.0.1:${project.port(behindEdge ? 'EDGE' : (service.toUpperCase() as Uppercase<typeof service>))}`,
  };
  const [ana, berta] = await step(
    'two people registered',
    async () => [await signUp(stack, 'ana'), await signUp(stack, 'berta')] as const,
  );
  await welcomed(stack, ana);
  const first = listen(stack, ana);
  await first.client.ready();

  const film = await makeVideo(folder);
  const mediaId = await step('20 MB uploaded with tus-js-client; Postgres of media restarted half-way', () =>
    upload(stack, ana, film, () => project.compose('restart', 'media-db')),
  );
  await sameBytes(stack, mediaId, film);
  await first.hears(1);
  const comments = `${stack.url('comments')}/comments`;
  await step('a comment of the other is heard live', async () => {
    await eventually(() => ask('POST', comments, { as: berta, body: { mediaId, content: 'What a film!' } }));
    await first.hears(2);
  });
  assert.deepEqual(first.types(), ['upload_completed', 'new_comment']);

  const writer = startWriter(stack, berta, mediaId);
  await writer.writes(UNDER_WAY);
  const before = await starts(project);
  for (const store of ['events-redis', 'comments-db', 'notifications-db', 'auth-redis']) {
    await step(`${store} restarted under load; writes go on`, async () => {
      await project.compose('restart', store);
      await writer.writes(UNDER_WAY);
    });
  }
  assert.deepEqual(await starts(project), before, 'a service was restarted by the restart of a store');
  await eventually(() => healthy(project), { ms: 60_000, every: 500 });
  console.log('  no service had to restart, and all are healthy again');

  await project.change([OVERLAYS.edge, OVERLAYS.secretFiles], FROM_FILES);
  const scaling = step('scaled to two, behind nginx, secrets from files; writes go on', () =>
    project.compose(...SCALED),
  );
  // The services' own ports go away in this: whoever calls goes on by the edge.
  await eventually(() => edgeAnswers(project), { ms: 240_000, every: 100 });
  behindEdge = true;
  await scaling;
  first.client.disconnect();
  const devices = Array.from({ length: 6 }, () => listen(stack, ana, first.position()));
  await Promise.all(devices.map(({ client }) => client.ready()));
  await step('comments go through both replicas', () => bothAnswer(project, stack, ana, writer));

  const second = await step('20 MB uploaded through the edge', () =>
    upload(stack, berta, film, async () => {}),
  );
  await sameBytes(stack, second, film);

  await step('a replica of notifications and one of comments killed; writes go on', async () => {
    await killed(project, 'notifications', 1);
    await killed(project, 'comments', 2);
    await writer.writes(UNDER_WAY);
  });
  await writer.stop();
  await step('nothing acknowledged is lost', async () => {
    await sameComments(stack, mediaId, writer);
    await sameBytes(stack, mediaId, film);
    const wanted = writer.acknowledged.size + 2;
    for (const device of devices) {
      const all = () => [...first.heard, ...device.heard];
      await eventually(() => all().length >= wanted, { ms: 60_000 });
      const offsets = all().map(({ offset }) => offset);
      assert.deepEqual(
        offsets,
        offsets.map((_, at) => (offsets[0] ?? 0) + at),
        'a gap, a repeat or a disorder',
      );
      assert.equal(all().filter(({ type }) => type === 'new_comment').length, writer.acknowledged.size + 1);
    }
  });
  console.log(
    `  ${writer.acknowledged.size + 1} comments acknowledged (${writer.refused()} tries refused or cut meanwhile): ` +
      `each is there once, and was heard once and in order by each of ${devices.length} clients over two replicas`,
  );
  for (const { client } of devices) client.disconnect();
  await badInput(project);
}
