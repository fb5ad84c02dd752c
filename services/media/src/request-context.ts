import type { AppEnv, Caller } from '@tertulia/shared/http/context';
import type { Context } from 'hono';

/** What a function outside a route needs of its context, whatever guard stands before that route. */
export type RequestContext = Pick<Context<AppEnv>, 'body' | 'env' | 'header' | 'json' | 'req' | 'var'>;

/** The same behind a guard that lets nobody through. */
export type CallerContext = RequestContext & { var: { caller: Caller } };
