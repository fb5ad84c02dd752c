import { expect } from 'bun:test';

type Operation = { responses: Record<string, unknown> };
type Document = { paths: Record<string, Record<string, Operation>> };
type App = { request(path: string, init?: RequestInit): Response | Promise<Response> };

/** A store may be away at any time, whatever the route: 503 goes without saying. */
const ANYWHERE = new Set([503]);

/**
 * Checks answers against the app's own OpenAPI document: a status that a route does not declare is a lie to
 * whoever generated a client from it.
 */
export function createDeclarationCheck(app: App) {
  let routes: Promise<{ pattern: RegExp; operations: Record<string, Operation> }[]> | undefined;

  async function load() {
    const response = await app.request('/openapi.json');
    const { paths } = (await response.json()) as Document;
    return Object.entries(paths)
      .sort(([a], [b]) => a.split('{').length - b.split('{').length)
      .map(([path, operations]) => ({
        pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`),
        operations,
      }));
  }

  return async function check(method: string, path: string, status: number): Promise<void> {
    routes ??= load();
    const pathname = path.split('?')[0] ?? '';
    const route = (await routes).find(({ pattern }) => pattern.test(pathname));
    const operation = route?.operations[method.toLowerCase()];
    if (operation === undefined || ANYWHERE.has(status)) return;
    expect(Object.keys(operation.responses), `${method} ${pathname} answered`).toContain(String(status));
  };
}
