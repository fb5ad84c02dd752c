/** `bun run settings`: writes README's table of settings, made from the schemas; `--check` only compares. */
import { join } from 'node:path';
import { install, ROOT } from './install.ts';

install();
const { settingsTable } = await import('./src/settings-table.ts');

const START = '<!-- settings: made by `bun run settings` -->';
const END = '<!-- end of settings -->';

const path = join(ROOT, 'README.md');
const readme = await Bun.file(path).text();
const [before, rest = ''] = readme.split(START);
const after = rest.split(END)[1];
if (after === undefined) throw new Error('README.md has lost the marks around its settings table');
const wanted = `${before}${START}\n\n${settingsTable()}\n\n${END}${after}`;
if (wanted === readme) process.exit(0);
if (process.argv.includes('--check')) {
  console.error('README.md: the settings table is not what the schemas say; run `bun run settings`');
  process.exit(1);
}
await Bun.write(path, wanted);
