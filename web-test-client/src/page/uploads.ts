import * as tus from 'tus-js-client';
import { type Cell, createCell } from './cell.ts';
import { ApiProblem, parseProblem } from './problem.ts';
import type { Session } from './session.ts';
import type { Visibility } from './types.ts';

export type Details = { title: string; description: string; tags: string; visibility: Visibility };

export type UploadState = {
  phase: 'sending' | 'paused' | 'waiting' | 'failed' | 'done';
  sent: number;
  total: number;
  problem?: ApiProblem;
  mediaId?: string;
};

export type RunningUpload = {
  filename: string;
  state: Cell<UploadState>;
  pause(): void;
  resume(): void;
  /** Stops it, and removes on the server what has come. */
  cancel(): Promise<void>;
};

/** One that was begun and not finished, maybe before a reload: the same file continues it. */
export type Unfinished = tus.PreviousUpload;

export type Uploads = {
  running: Cell<readonly RunningUpload[]>;
  unfinished(): Promise<Unfinished[]>;
  /** The unfinished upload of just this file, if there is one. */
  find(file: File): Promise<Unfinished | undefined>;
  start(file: File, details: Details, previous?: Unfinished): RunningUpload;
  discard(upload: Unfinished): Promise<void>;
};

const RETRY_MS = [0, 1000, 2000, 4000, 8000, 16_000, 30_000];
/** Refusals that pass by themselves. */
const PASSING = [409, 423, 429];

/** Uploads by tus. They go on while one looks at other pages, and survive reloads and lost connections. */
export function createUploads(media: string, session: Session): Uploads {
  const running = createCell<readonly RunningUpload[]>([]);
  const { urlStorage } = tus.defaultOptions;
  const owner = () => `tertulia-${session.current.get()?.user.id}`;

  const options: tus.UploadOptions = {
    endpoint: `${media}/media/uploads`,
    retryDelays: RETRY_MS,
    removeFingerprintOnSuccess: true,
    // Of this person and this file: in the same browser somebody else starts anew.
    fingerprint: async ({ name, type, size, lastModified }) =>
      [owner(), name, type, size, lastModified].join('-'),
    async onBeforeRequest(request) {
      const token = await session.token();
      if (token !== undefined) request.setHeader('Authorization', `Bearer ${token}`);
    },
    async onAfterResponse(_, response) {
      if (response.getStatus() !== 401) return;
      // Left alone, the library would take a refused token for a lost upload, and begin another one.
      if ((await session.refresh()) === undefined) throw new Error('You are signed out.');
      throw new Error('The token was refreshed: once more.');
    },
  };

  async function unfinished(): Promise<Unfinished[]> {
    const all = await urlStorage.findAllUploads();
    return all.filter(({ urlStorageKey }) => urlStorageKey.startsWith(`tus::${owner()}-`));
  }

  function start(file: File, details: Details, previous?: Unfinished): RunningUpload {
    const state = createCell<UploadState>({ phase: 'sending', sent: 0, total: file.size });
    const change = (part: Partial<UploadState>) => state.set({ ...state.get(), ...part });
    const upload = new tus.Upload(file, {
      ...options,
      metadata: metadataOf(file, details),
      onProgress: (sent, total) => change({ phase: 'sending', sent, total }),
      onShouldRetry(error) {
        const status = error.originalResponse?.getStatus() ?? 0;
        const again = status < 400 || status >= 500 || PASSING.includes(status);
        if (again) change({ phase: 'waiting' });
        return again && session.current.get() !== undefined;
      },
      onError: (error) => change({ phase: 'failed', problem: problemOf(error) }),
      onSuccess({ lastResponse }) {
        window.removeEventListener('online', onOnline);
        change({ phase: 'done', sent: file.size, mediaId: lastResponse.getHeader('Media-Id') });
      },
    });
    if (previous !== undefined) upload.resumeFromPreviousUpload(previous);

    function resume(): void {
      change({ phase: 'sending', problem: undefined });
      upload.start();
    }
    const onOnline = () => {
      if (state.get().phase === 'failed' && state.get().problem?.status === 0) resume();
    };
    window.addEventListener('online', onOnline);

    const entry: RunningUpload = {
      filename: file.name,
      state,
      resume,
      pause() {
        void upload.abort();
        change({ phase: 'paused' });
      },
      async cancel() {
        window.removeEventListener('online', onOnline);
        running.set(running.get().filter((other) => other !== entry));
        await upload.abort(true);
      },
    };
    running.set([...running.get(), entry]);
    upload.start();
    return entry;
  }

  session.current.watch((signedIn) => {
    if (signedIn !== undefined) return;
    for (const entry of running.get()) if (entry.state.get().phase !== 'done') entry.pause();
    running.set([]);
  });

  return {
    running,
    unfinished,
    start,
    async find(file) {
      const found = await new tus.Upload(file, options).findPreviousUploads();
      return found.at(-1);
    },
    async discard(upload) {
      // What the server has forgotten already is gone as well.
      if (upload.uploadUrl !== null) await tus.Upload.terminate(upload.uploadUrl, options).catch(() => {});
      await urlStorage.removeUpload(upload.urlStorageKey);
    },
  };
}

function metadataOf(file: File, { title, description, tags, visibility }: Details): Record<string, string> {
  return {
    filename: file.name,
    filetype: file.type,
    visibility,
    ...(title === '' ? {} : { title }),
    ...(description === '' ? {} : { description }),
    ...(tags === '' ? {} : { tags }),
  };
}

function problemOf(error: Error | tus.DetailedError): ApiProblem {
  const response = 'originalResponse' in error ? error.originalResponse : null;
  if (response === null) return new ApiProblem(0, 'unreachable', 'The connection was lost.');
  return parseProblem(response.getStatus(), response.getBody());
}
