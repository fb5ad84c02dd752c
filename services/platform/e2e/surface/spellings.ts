/** Other ways to write a path, which a guard on prefixes, a proxy or a router may take for the same. */
export function spellingsOf(path: string): string[] {
  const [, first = '', ...rest] = path.split('/');
  const tail = rest.map((part) => `/${part}`).join('');
  const encoded = `%${first.charCodeAt(0).toString(16)}${first.slice(1)}`;
  return [
    `/${path}`,
    `//${path}`,
    `/.${path}`,
    `/x/..${path}`,
    `/%2e${path}`,
    `/x/%2e%2e${path}`,
    `/\\${path.slice(1)}`,
    path.replaceAll('/', '//'),
    `${path}/`,
    `${path}//`,
    `${path}/.`,
    `${path}/x/..`,
    `${path}%2f`,
    `${path}%00`,
    `${path}%20`,
    `${path}%3f`,
    `${path};x`,
    `/${first};x${tail}`,
    `${path}#x?y`,
    `${path}?x#y`,
    `${path}.json`,
    `/${encoded}${tail}`,
    `/${first.toUpperCase()}${tail}`,
    `/${first}${tail.toUpperCase()}`,
    path.toUpperCase(),
    `http://127.0.0.1${path}`,
    path.slice(1),
  ];
}

/** Ways to say one method and mean another. */
export function disguisesOf(
  method: string,
): { suffix: string; headers: Record<string, string>; body: string }[] {
  const named = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X-Original-Method'];
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const json = { 'Content-Type': 'application/json' };
  return [
    {
      suffix: '',
      headers: { ...json, ...Object.fromEntries(named.map((name) => [name, method])) },
      body: '{}',
    },
    { suffix: `?_method=${method}`, headers: json, body: '{}' },
    { suffix: '', headers: form, body: `_method=${method}` },
  ];
}

/** What some servers take the path from, instead of the request line. */
export const rewritesOf = (path: string): Record<string, string> => ({
  'X-Original-URL': path,
  'X-Rewrite-URL': path,
  'X-Forwarded-Uri': path,
});
