import { afterAll, beforeAll, describe } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HANG_MS } from '@tertulia/shared/testing/hang';
import { startStack } from '../stack.ts';
import { describeBadInput } from './bad-input.ts';
import { createSurfaceClient } from './client.ts';
import { describeEdges } from './edges.ts';
import { describeLogs } from './logs.ts';
import { makeOwner } from './objects.ts';
import { ADMIN, makeStaff, SECRETS } from './people.ts';
import { describeRefusals } from './refusals.ts';
import { describeRights } from './rights.ts';
import { loadRoutes } from './routes.ts';
import type { World } from './world.ts';

let world: World;
const current = () => world;

beforeAll(async () => {
  const logs = await mkdtemp(join(tmpdir(), 'tertulia-surface-'));
  const settings = {
    ...SECRETS,
    LOG_LEVEL: 'trace',
    RATE_LIMIT_SCALE: '100000',
    ADMIN_EMAIL: ADMIN.email,
    ADMIN_PASSWORD: ADMIN.password,
  };
  const stack = await startStack(settings, {}, logs);
  const [routes, staff, owner] = await Promise.all([loadRoutes(stack), makeStaff(stack), makeOwner(stack)]);
  world = { stack, logs, routes, staff, owner, client: createSurfaceClient() };
}, HANG_MS);
afterAll(async () => {
  console.log(`surface: ${world?.client.sent()} requests to ${world?.routes.length} routes`);
  await world?.stack.stop();
  if (world !== undefined) await rm(world.logs, { recursive: true, force: true });
}, HANG_MS);

describe('every route', () => describeRefusals(current));
describe('hostile input', () => describeBadInput(current));
describe('every service', () => describeEdges(current));
describe('every route', () => describeRights(current));
describe('all the while', () => describeLogs(current));
