import type { TestUser } from '@tertulia/shared/testing/tokens';
import type { TestApp } from '../test-app.ts';

type Headers = Record<string, string>;

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** `Upload-Metadata` of plain values. */
export const metadata = (values: Record<string, string>) =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${base64(value)}`)
    .join(',');

/** tus calls on a test app, by their verbs. An `undefined` header is left out. */
export function tusClient({ call }: TestApp, as: TestUser) {
  const tus = { 'Tus-Resumable': '1.0.0' };
  const octets = { 'Content-Type': 'application/offset+octet-stream' };
  return {
    create: (length: number | string, headers: Headers = {}, body?: Uint8Array) =>
      call('POST', '/media/uploads', {
        as,
        headers: { ...tus, 'Upload-Length': String(length), ...headers },
        ...(body === undefined ? {} : { body }),
      }),
    /** Whatever POST says of the length. */
    post: (headers: Headers, body?: Uint8Array) =>
      call('POST', '/media/uploads', {
        as,
        headers: { ...tus, ...headers },
        ...(body === undefined ? {} : { body }),
      }),
    /** A partial upload with these bytes; returns its path. */
    async part(bytes: Uint8Array): Promise<string> {
      const { headers } = await this.create(
        bytes.length,
        { 'Upload-Concat': 'partial', ...(bytes.length === 0 ? {} : octets) },
        bytes.length === 0 ? undefined : bytes,
      );
      return headers.get('Location') ?? '';
    },
    /** Makes an upload and returns its path. */
    async start(length: number, headers: Headers = {}): Promise<string> {
      const { headers: answered } = await this.create(length, headers);
      return answered.get('Location') ?? '';
    },
    head: (path: string, headers: Headers = {}) =>
      call('HEAD', path, { as, headers: { ...tus, ...headers } }),
    patch: (path: string, offset: number | string, body: Uint8Array, headers: Headers = {}) =>
      call('PATCH', path, {
        as,
        body,
        headers: { ...tus, ...octets, 'Upload-Offset': String(offset), ...headers },
      }),
    delete: (path: string) => call('DELETE', path, { as, headers: tus }),
    /** A whole file; returns the media's id. */
    async upload(file: Uint8Array, values: Record<string, string> = {}): Promise<string> {
      const path = await this.start(file.length, { 'Upload-Metadata': metadata(values) });
      const { headers } = await this.patch(path, 0, file);
      return headers.get('Media-Id') ?? '';
    },
  };
}

export type TusClient = ReturnType<typeof tusClient>;
