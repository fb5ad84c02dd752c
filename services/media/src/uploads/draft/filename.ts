/** The file's name in a request's `Content-Disposition` (RFC 6266), cleaned by whoever uses it. */
export function filenameOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^\s;]+)/i.exec(header)?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended);
    } catch {
      // No UTF-8: then the plain one, if any.
    }
  }
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header)?.[1];
  if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, '$1');
  return /;\s*filename\s*=\s*([^\s;"]+)/i.exec(header)?.[1];
}
