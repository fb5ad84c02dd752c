/** A signed URL is a secret for as long as it is good: logs show whose turn it was, not the token. */
export function maskToken(path: string): string {
  return path.replace(/(\/signed\/[^/]{0,8})[^/]*/i, '$1…');
}
