import { join } from 'node:path';
import { freePort } from '@tertulia/shared/stores/postgres-process';
import { startServer } from './process.ts';

/** nginx on a folder of files, as one process: what a process of ours is held against. Undefined without it. */
export async function startNginx(folder: string) {
  const program = Bun.which('nginx') ?? Bun.which('nginx', { PATH: '/usr/sbin:/usr/local/sbin' });
  if (program === null) return undefined;
  const port = await freePort();
  const path = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  await Bun.write(
    path,
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn; user root;
    events { worker_connections 4096; }
    http {
      ${temporary} access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000;
      default_type application/octet-stream;
      server { listen 127.0.0.1:${port}; root ${folder}; location = / { return 204; } }
    }`,
  );
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer([program, '-c', path], {}, url);
  return { ...server, url };
}
