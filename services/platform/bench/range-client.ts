import { connect } from 'node:net';

const HEAD_END = '\r\n\r\n';

/**
 * Asks for small ranges on one kept connection, one after another, until `end`; the lightest client that still
 * looks at what comes back, since it shares the machine with what it measures. Returns how many were answered.
 */
export async function askRanges(
  url: URL,
  { size, length, end }: { size: number; length: number; end: number },
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = connect(Number(url.port), url.hostname);
  let answered = 0;
  let missing = 0;
  let head = '';

  function ask(): void {
    if (performance.now() >= end) {
      socket.destroy();
      resolve(answered);
      return;
    }
    const start = Math.floor(Math.random() * (size - length));
    const range = `bytes=${start}-${start + length - 1}`;
    socket.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nRange: ${range}\r\n\r\n`);
  }

  socket.on('data', (data: Buffer) => {
    let rest = data.length;
    if (missing === 0) {
      head += data.toString('latin1');
      const at = head.indexOf(HEAD_END);
      if (at === -1) return;
      if (!head.startsWith('HTTP/1.1 206 ')) {
        reject(new Error(`not a range: ${head.slice(0, 100)}`));
        return;
      }
      rest = head.length - at - HEAD_END.length;
      missing = length;
      head = '';
    }
    missing -= rest;
    if (missing > 0) return;
    answered++;
    ask();
  });
  socket.on('connect', ask);
  socket.on('error', reject);
  return promise;
}
