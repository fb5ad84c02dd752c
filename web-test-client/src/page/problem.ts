export type FieldError = { path: string; message: string };

/** An error as the services tell it (RFC 9457), or `unreachable` where there was no answer. */
export class ApiProblem extends Error {
  override name = 'ApiProblem';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: readonly FieldError[] = [],
    /** Finds the log line of the service. */
    readonly requestId: string | undefined = undefined,
  ) {
    super(message);
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
  const { code, title, detail, errors, requestId } = parse(text);
  const wait = retryAfter === null ? '' : ` Try again in ${retryAfter} s.`;
  const message = `${detail ?? title ?? `The service answered ${status}.`}${wait}`;
  return new ApiProblem(status, code ?? 'unknown', message, errors, requestId);
}

type Body = { code?: string; title?: string; detail?: string; errors?: FieldError[]; requestId?: string };

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
