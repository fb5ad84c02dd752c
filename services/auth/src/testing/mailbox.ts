import { freePort } from '@tertulia/shared/stores/postgres-process';
import { eventually } from '@tertulia/shared/testing/eventually';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { mailSenderOptions, startMailSender } from '../mail/mail-sender.ts';
import { openTransport } from '../mail/transport.ts';
import type { createTestApp } from '../test-app.ts';

export type Mailbox = Awaited<ReturnType<typeof openMailbox>>;

/** A real SMTP server on a free port; it can be taken down and brought back. */
export async function openMailbox() {
  const port = await freePort();
  const mails: ParsedMail[] = [];
  /** Recipients that it has no mailbox for. */
  const unknown = new Set<string>();
  let server = await listen();

  async function listen() {
    const started = new SMTPServer({
      authOptional: true,
      disabledCommands: ['AUTH', 'STARTTLS'],
      onRcptTo: ({ address }, _session, done) => {
        if (!unknown.has(address)) return done();
        done(Object.assign(new Error(`no mailbox ${address}`), { responseCode: 550 }));
      },
      onData: (stream, _session, done) => {
        simpleParser(stream).then(
          (mail) => {
            mails.push(mail);
            done();
          },
          (error: Error) => done(error),
        );
      },
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    started.listen(port, '127.0.0.1', resolve);
    await promise;
    return started;
  }

  async function down(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(resolve);
    await promise;
  }

  const to = (address: string) => mails.filter((mail) => addressOf(mail) === address);
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    unknown,
    to,
    /** The newest mail to somebody whose subject has such words, once it has come. */
    wait: (address: string, subject: RegExp) =>
      eventually(() => to(address).findLast((mail) => subject.test(mail.subject ?? ''))),
    down,
    async up() {
      server = await listen();
    },
    close: down,
  };
}

/** The one recipient of a mail. */
export function addressOf({ to }: ParsedMail): string | undefined {
  return Array.isArray(to) ? undefined : to?.value[0]?.address;
}

/** The token in a mail's link. */
export function tokenIn({ text }: ParsedMail): string {
  return /#token=([\w-]{43})/.exec(text ?? '')?.[1] ?? '';
}

/** Sends an app's mails in the background, as the service does. */
export function startSender({ deps, env }: Awaited<ReturnType<typeof createTestApp>>) {
  return startMailSender({ ...mailSenderOptions(deps, openTransport(env, deps.log)), pollMs: 20 });
}
