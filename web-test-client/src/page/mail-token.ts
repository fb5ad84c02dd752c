const TOKEN = /^#token=([\w-]+)$/;

/**
 * The token of a mail's link, which is taken out of the address bar and the history at once: who looks over a
 * shoulder, or comes to this browser later, does not get it. It is kept for as long as one stays on that page.
 */
export function createMailToken() {
  let held: { path: string; token: string } | undefined;
  return function take(): string | undefined {
    const token = TOKEN.exec(location.hash)?.[1];
    if (token !== undefined) {
      held = { path: location.pathname, token };
      history.replaceState(null, '', location.pathname);
    }
    if (held?.path !== location.pathname) held = undefined;
    return held?.token;
  };
}
