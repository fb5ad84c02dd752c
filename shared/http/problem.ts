import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** 460 is tus's own. */
type ProblemStatus = ContentfulStatusCode | 460;

/**
 * Every error a client can get: `code` → status and title. Codes are stable; texts may change.
 * RFC 9457 `type` is `urn:tertulia:problem:<code>`, save for {@link REGISTERED}.
 */
export const PROBLEMS = {
  malformed_json: [400, 'The body is not valid JSON'],
  malformed_request: [400, 'The request is malformed'],
  completed_upload: [400, 'The upload is completed'],
  inconsistent_upload_length: [400, 'The lengths of the upload contradict one another'],
  invalid_token: [400, 'The token is not valid, was used, or is too old'],
  invalid_page: [400, 'The page parameters are invalid'],
  unauthenticated: [401, 'A valid access token is required'],
  invalid_credentials: [401, 'E-mail or password is wrong'],
  invalid_code: [401, 'The code is not valid'],
  invalid_passkey: [401, 'The passkey is not valid'],
  invalid_refresh_token: [401, 'The refresh token is not valid'],
  forbidden: [403, 'You are not allowed to do this'],
  origin_not_allowed: [403, 'This origin is not allowed'],
  account_suspended: [403, 'The account is suspended'],
  account_ending: [403, 'The account is being deleted'],
  mfa_required: [403, 'A second factor is required'],
  mfa_enrollment_required: [403, 'Administrators must set up a second factor'],
  edit_window_closed: [403, 'The time for editing is over'],
  not_found: [404, 'Not found'],
  media_not_found: [404, 'No such media'],
  parent_not_found: [404, 'No such parent comment'],
  method_not_allowed: [405, 'This method is not allowed here'],
  conflict: [409, 'The request conflicts with the current state'],
  email_taken: [409, 'This e-mail address is taken'],
  username_taken: [409, 'This username is taken'],
  last_admin: [409, 'The last administrator cannot go'],
  mfa_enrolled: [409, 'A second factor is set up already'],
  upload_offset_mismatch: [409, 'The upload is at another offset'],
  mismatching_upload_offset: [409, 'The upload is at another offset'],
  upload_gone: [410, 'The upload is gone'],
  precondition_failed: [412, 'The resource has changed'],
  unsupported_tus_version: [412, 'This version of tus is not supported'],
  body_too_large: [413, 'The body is too large'],
  upload_too_large: [413, 'The upload is too large'],
  quota_exceeded: [413, 'The quota is exceeded'],
  unsupported_media_type: [415, 'This type of content is not accepted'],
  range_not_satisfiable: [416, 'The range is not satisfiable'],
  invalid_fields: [422, 'Some fields are invalid'],
  idempotency_key_reused: [422, 'The idempotency key was used with another body'],
  unprocessable_media: [422, 'The file cannot be dealt with'],
  import_refused: [422, 'Nothing is imported from this address'],
  import_failed: [422, 'The address does not give the file'],
  parent_of_other_media: [422, 'The parent belongs to another media'],
  upload_locked: [423, 'The upload is in use by another request'],
  rate_limited: [429, 'Too many requests'],
  checksum_mismatch: [460, 'The checksum does not match'],
  internal: [500, 'Something went wrong on our side'],
  unavailable: [503, 'A dependency is down'],
  insufficient_storage: [507, 'The storage is full'],
} as const satisfies Record<string, readonly [ProblemStatus, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Types that others define: draft-ietf-httpbis-resumable-upload-12, to be registered with IANA. */
const REGISTERED: Partial<Record<ProblemCode, string>> = {
  mismatching_upload_offset: 'https://iana.org/assignments/http-problem-types#mismatching-upload-offset',
  completed_upload: 'https://iana.org/assignments/http-problem-types#completed-upload',
  inconsistent_upload_length: 'https://iana.org/assignments/http-problem-types#inconsistent-upload-length',
};

/** RFC 9457 `type` of a code. */
export const typeOf = (code: ProblemCode) => REGISTERED[code] ?? `urn:tertulia:problem:${code}`;

export type FieldError = { path: string; message: string };

type Extras = {
  /** For 422: which fields, and why. */
  errors?: FieldError[];
  /** Response headers, such as `Retry-After`. */
  headers?: Record<string, string>;
  /** Extension members (RFC 9457, 3.2) that a client needs to go on. */
  members?: Record<string, string | number | null>;
  cause?: unknown;
};

/** The one way to answer with an error: `throw new Problem('not_found')`. */
export class Problem extends Error {
  override name = 'Problem';
  readonly status: ProblemStatus;
  readonly title: string;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;
  readonly members: Record<string, string | number | null>;

  constructor(
    readonly code: ProblemCode,
    readonly detail?: string,
    extras: Extras = {},
  ) {
    super(detail ?? code, { cause: extras.cause });
    [this.status, this.title] = PROBLEMS[code];
    this.errors = extras.errors;
    this.headers = extras.headers ?? {};
    this.members = extras.members ?? {};
  }
}

/** RFC 9457 body of a problem. `instance` is the path asked for, `requestId` finds the log line. */
export function problemBody(problem: Problem, instance: string, requestId: string) {
  return {
    ...problem.members,
    type: typeOf(problem.code),
    title: problem.title,
    status: problem.status,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
    instance,
    code: problem.code,
    requestId,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  };
}

/** A whole problem response, for places that have no Hono context. */
export function problemResponse(problem: Problem, instance: string, requestId: string): Response {
  return new Response(JSON.stringify(problemBody(problem, instance, requestId)), {
    status: problem.status,
    headers: { 'Content-Type': 'application/problem+json', ...problem.headers },
  });
}
