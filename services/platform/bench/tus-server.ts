/** The yardstick of `tus.bench.ts`: `@tus/server` with its file store. */
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';

const { PORT = '', FOLDER = '' } = process.env;
new Server({ path: '/files', datastore: new FileStore({ directory: FOLDER }) }).listen({
  host: '127.0.0.1',
  port: Number(PORT),
});
