import type { Route, Schema } from './routes.ts';

/** Values for fields by their name: what no schema tells, such as a password that is right. */
export type Known = Record<string, unknown>;

/** A value that a schema takes. Optional fields come along: what is refused must be refused for another reason. */
export function sampleOf(schema: Schema, known: Known = {}): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [option] = schema.anyOf ?? schema.oneOf ?? [];
  if (option !== undefined) return sampleOf(option, known);
  if (schema.allOf !== undefined)
    return Object.assign({}, ...schema.allOf.map((part) => sampleOf(part, known)));
  switch (typesOf(schema)[0]) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => !(name in known) || known[name] !== undefined)
          .map(([name, property]) => [name, name in known ? known[name] : sampleOf(property, known)]),
      );
    case 'array':
      return [sampleOf(schema.items ?? {}, known)];
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'null':
      return null;
    default:
      return text(schema);
  }
}

function text({ example, format, minLength = 0 }: Schema): string {
  if (format === 'uuid') return Bun.randomUUIDv7();
  if (format === 'email') return `${Bun.randomUUIDv7()}@example.org`;
  if (format === 'date-time') return new Date().toISOString();
  if (typeof example === 'string') return example;
  return 'some text that is long enough'.padEnd(minLength, '.');
}

export const typesOf = ({ type }: Schema): string[] => (Array.isArray(type) ? type : type ? [type] : []);

/** True when the schema, or one of its options, takes values of that JSON type. */
export function takes(schema: Schema, value: unknown): boolean {
  const options = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  if (options.length > 0) return options.some((option) => takes(option, value));
  const types = typesOf(schema);
  if (types.length === 0) return true;
  if (value === null) return types.includes('null');
  if (Array.isArray(value)) return types.includes('array');
  if (typeof value === 'number') return types.includes('number') || types.includes('integer');
  return types.includes(typeof value);
}

/** The address of a route: the id is that of its first parameter, and others are what they are known to be. */
export function addressOf({ path, parameters }: Route, id: string, known: Known = {}): string {
  let isFirst = true;
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (isFirst && /id$/i.test(name)) {
      isFirst = false;
      return id;
    }
    const schema = parameters.find((parameter) => parameter.name === name)?.schema ?? {};
    return encodeURIComponent(String(known[name] ?? sampleOf(schema)));
  });
}

export type Sample = { headers: Record<string, string>; body: BodyInit | undefined };

/** A request that nothing is wrong with. */
export function requestOf(route: Route, known: Known = {}): Sample {
  const headers: Record<string, string> = {};
  for (const { name, in: place, schema } of route.parameters) {
    // A cookie instead of a token is another way in, with tests of its own.
    const wanted = place === 'header' && name.toLowerCase() !== 'x-refresh-cookie';
    if (wanted && typeof schema.example === 'string') headers[name] = schema.example;
  }
  const { body } = route;
  if (body === undefined) return { headers, body: undefined };
  if (body.type === 'multipart/form-data') return { headers, body: formOf(body.schema, known) };
  headers['Content-Type'] = body.type;
  if (!body.type.includes('json')) return { headers, body: '' };
  return { headers, body: JSON.stringify(sampleOf(body.schema, known)) };
}

export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

function formOf({ properties = {} }: Schema, known: Known): FormData {
  const form = new FormData();
  for (const [name, schema] of Object.entries(properties)) {
    if (schema.format !== 'binary') form.set(name, String(known[name] ?? sampleOf(schema)));
  }
  form.set('file', new Blob([PNG.slice()], { type: 'image/png' }), 'dot.png');
  return form;
}
