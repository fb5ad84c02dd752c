type Env = { SERVICE_SECRET?: string | undefined };

/** Known to everybody, and by its name refused in production: so that development needs no settings. */
const DEVELOPMENT_SECRET = 'development-only-service-secret-that-everybody-knows';

/** What services show to auth for a token of their own. */
export const serviceSecretOf = ({ SERVICE_SECRET }: Env): string => SERVICE_SECRET ?? DEVELOPMENT_SECRET;

/** Services that call others. */
export const CALLERS = ['media', 'comments', 'notifications', 'processing'] as const;
export type CallingService = (typeof CALLERS)[number];
