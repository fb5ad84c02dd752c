import type { z } from 'zod';
import { PARTS } from './platform.ts';

type Setting = { name: string; fallback: string; description: string; readers: string[] };

/** A Markdown table of every variable: who reads it, its default, what it does. */
export function settingsTable(): string {
  const settings = new Map<string, Setting>();
  for (const { name: reader, env } of PARTS) {
    for (const [name, schema] of Object.entries(env.shape as Record<string, z.ZodType>)) {
      const setting = settings.get(name) ?? {
        name,
        fallback: defaultOf(schema),
        description: descriptionOf(schema),
        readers: [],
      };
      setting.readers.push(reader);
      settings.set(name, setting);
    }
  }
  const rows = [...settings.values()].map(({ name, fallback, description, readers }) => {
    const who = readers.length === PARTS.length ? 'all' : readers.join(', ');
    return `| \`${name}\` | ${fallback} | ${who} | ${description} |`;
  });
  return ['| variable | default | read by | what it does |', '|---|---|---|---|', ...rows].join('\n');
}

function defaultOf(schema: z.ZodType): string {
  const result = schema.safeParse(undefined);
  if (!result.success || result.data === undefined) return '';
  const value = Array.isArray(result.data) ? result.data.join(',') : String(result.data);
  return value === '' ? '' : `\`${value}\``;
}

function descriptionOf(schema: z.ZodType): string {
  if (schema.description === undefined) throw new Error('a setting has no description');
  return schema.description;
}
