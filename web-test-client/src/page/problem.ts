import { inSeconds } from './format.ts';

export type FieldError = { path: string; message: string };

/** What some problems tell beside their message. */
type More = {
  errors?: readonly FieldError[];
  /** Finds the log line of the service. */
  requestId?: string;
  /** Seconds after which it is worth another try. */
  retryAfter?: number;
  /** Of `mfa_required`, for the second step. */
  mfaToken?: string;
  /** Of `account_suspended`; without an end it lasts until somebody ends it. */
  reason?: string | null;
  until?: string | null;
  /** Of `account_ending`: when the account goes for good. */
  deleteAt?: string;
};

/** An error as the services tell it (RFC 9457), or `unreachable` where there was no answer. */
export class ApiProblem extends Error {
  override name = 'ApiProblem';
  readonly errors: readonly FieldError[];
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly more: More = {},
  ) {
    super(message);
    this.errors = more.errors ?? [];
  }
}

export async function problemOf(response: Response): Promise<ApiProblem> {
  return parseProblem(
    response.status,
    await response.text().catch(() => ''),
    response.headers.get('Retry-After'),
  );
}

/** Also for answers that did not come by fetch, as those of uploads. */
export function parseProblem(status: number, text: string, retryAfter: string | null = null): ApiProblem {
  const { code = 'unknown', title, detail, ...more } = parse(text);
  const message = detail ?? title ?? `The service answered ${status}.`;
  const seconds = Number(retryAfter);
  if (retryAfter === null || !Number.isFinite(seconds)) return new ApiProblem(status, code, message, more);
  const sentence = message.endsWith('.') ? message : `${message}.`;
  const wait = `${sentence} Try again ${inSeconds(seconds)}.`;
  return new ApiProblem(status, code, wait, { ...more, retryAfter: seconds });
}

type Body = { code?: string; title?: string; detail?: string } & More;

function parse(text: string): Body {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** One sentence for people, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return 'Something went wrong.';
}

/** Whether it is the problem of one of these codes. */
export function isProblem(error: unknown, ...codes: string[]): error is ApiProblem {
  return error instanceof ApiProblem && codes.includes(error.code);
}
