import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file that the browser asks for, as it goes out. */
export type Asset = { body: Blob; type: string };

/** The page, and by name what it loads: names carry a hash of what is inside. */
export type Bundle = { page: Asset; assets: ReadonlyMap<string, Asset> };

const PAGE = 'index.html';
const SOURCE = join(import.meta.dir, 'page', PAGE);
const DIST = join(import.meta.dir, '..', 'dist');

/** Gives the page as it is now. */
export type Bundles = () => Promise<Bundle>;

/**
 * In production what was bundled ahead; elsewhere what is bundled here, anew whenever a source of the page has
 * changed, so that a reload in the browser shows it.
 */
export async function openBundle(mode: string): Promise<Bundles> {
  if (mode === 'production') {
    const ahead = await Bun.file(join(DIST, PAGE)).exists();
    const bundle = ahead ? await readBundle() : toBundle(await build(true));
    return async () => bundle;
  }
  let made: { changed: number; bundle: Promise<Bundle> } | undefined;
  const current = async () => {
    const changed = await lastChange();
    if (made?.changed !== changed) made = { changed, bundle: build(false).then(toBundle) };
    return made.bundle;
  };
  await current();
  return current;
}

async function lastChange(): Promise<number> {
  const folder = dirname(SOURCE);
  const names = await readdir(folder, { recursive: true });
  const times = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mtimeMs));
  return Math.max(...times);
}

/** Bundles into `dist`, for images. */
export async function writeBundle(): Promise<void> {
  await mkdir(DIST, { recursive: true });
  await Promise.all([...(await build(true))].map(([name, body]) => Bun.write(join(DIST, name), body)));
}

async function build(minify: boolean): Promise<Map<string, Blob>> {
  const { outputs } = await Bun.build({
    entrypoints: [SOURCE],
    target: 'browser',
    minify,
    sourcemap: 'linked',
    // Pages of any depth load the same files.
    publicPath: '/',
    naming: { chunk: '[name]-[hash].[ext]', asset: '[name]-[hash].[ext]' },
  });
  return new Map(outputs.map((output) => [basename(output.path), output]));
}

async function readBundle(): Promise<Bundle> {
  const names = await readdir(DIST);
  return toBundle(new Map(names.map((name) => [name, Bun.file(join(DIST, name))])));
}

function toBundle(files: ReadonlyMap<string, Blob>): Bundle {
  const assets = new Map([...files].map(([name, body]) => [name, { body, type: body.type }]));
  const page = assets.get(PAGE);
  if (page === undefined) throw new Error(`${PAGE} is missing from the bundle`);
  assets.delete(PAGE);
  return { page, assets };
}
