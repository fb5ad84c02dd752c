import type { Access } from '@tertulia/shared/http/access';
import { SERVICES, type ServiceName, type Stack } from '../stack.ts';

/** JSON Schema, as far as samples are made of it. */
export type Schema = {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  format?: string;
  minLength?: number;
  minItems?: number;
  minimum?: number;
  example?: unknown;
};

export type Parameter = { name: string; in: 'path' | 'query' | 'header'; schema: Schema };

/** One operation of a service, as its OpenAPI document tells it. */
export type Route = {
  service: ServiceName;
  method: string;
  path: string;
  /** Undefined where the document does not say whom it lets through. */
  access: Access | undefined;
  security: unknown;
  parameters: Parameter[];
  body: { type: string; schema: Schema } | undefined;
};

// biome-ignore lint/suspicious/noExplicitAny: a document of every shape, read once
type Json = any;

/** Every operation that any service publishes. */
export async function loadRoutes(stack: Pick<Stack, 'url'>): Promise<Route[]> {
  const documents = SERVICES.map(async (service) => {
    const document: Json = await (await fetch(`${stack.url(service)}/openapi.json`)).json();
    return Object.entries<Json>(document.paths).flatMap(([path, operations]) =>
      Object.entries<Json>(operations).map(([method, operation]) =>
        toRoute(service, document, path, method, operation),
      ),
    );
  });
  return (await Promise.all(documents)).flat();
}

function toRoute(service: ServiceName, document: Json, path: string, method: string, operation: Json): Route {
  const [content] = Object.entries<Json>(operation.requestBody?.content ?? {});
  return {
    service,
    method: method.toUpperCase(),
    path,
    access: operation['x-access'],
    security: operation.security,
    parameters: resolved(document, operation.parameters ?? []),
    body:
      content === undefined ? undefined : { type: content[0], schema: resolved(document, content[1].schema) },
  };
}

/** A copy with every `$ref` replaced by what it means. Bounded, since schemas may hold themselves. */
function resolved(document: Json, value: Json, depth = 0): Json {
  if (depth > 20 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => resolved(document, item, depth + 1));
  if (typeof value.$ref === 'string') {
    const target = value.$ref
      .slice(2)
      .split('/')
      .reduce((at: Json, key: string) => at[key], document);
    return resolved(document, target, depth + 1);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolved(document, item, depth + 1)]),
  );
}

export const nameOf = (route: Pick<Route, 'service' | 'method' | 'path'>) =>
  `${route.service} ${route.method} ${route.path}`;

/** Guarded: somebody is refused. */
export const isGuarded = ({ access }: Route) =>
  access !== undefined && access !== 'open' && access !== 'anyone';

export const isSafe = ({ method }: Pick<Route, 'method'>) => ['GET', 'HEAD', 'OPTIONS'].includes(method);
