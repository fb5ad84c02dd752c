import { describe, expect, test } from 'bun:test';
import { render } from './render.ts';
import type { Mail, MailParameters, MailTemplate } from './send-mail.ts';

const PARAMETERS: MailParameters = {
  verify_email: { username: 'ana' },
  reset_password: { username: 'ana' },
  password_changed: { username: 'ana' },
  confirm_new_email: { username: 'ana' },
  email_change_requested: { username: 'ana', newEmail: 'new@example.org' },
  email_changed: { username: 'ana', newEmail: 'new@example.org' },
  factors_reset: { username: 'ana' },
  factor_changed: { username: 'ana', what: 'totp_added' },
  account_suspended: { username: 'ana', reason: 'spam', until: null },
  deletion_requested: { username: 'ana', deleteAt: '2026-12-01T10:00:00.000Z' },
  account_restored: { username: 'ana' },
};
const TEMPLATES = Object.keys(PARAMETERS) as MailTemplate[];

const mailOf = (template: MailTemplate, locale: string): Mail => ({
  to: 'ana@example.org',
  locale,
  template,
  parameters: PARAMETERS[template],
});

describe.each(['en', 'es'])('in %s', (locale) => {
  test.each(TEMPLATES)('%s has a subject, a text and a page, and greets', (template) => {
    const letter = render(mailOf(template, locale), undefined);
    expect(letter.subject).toMatch(/^\S.{5,70}$/);
    expect(letter.text).toContain('@ana');
    expect(letter.html).toContain(`<html lang="${locale}">`);
    expect(letter.html).not.toContain('[object');
    for (const written of [letter.text, letter.html]) expect(written).not.toMatch(/undefined|null/);
  });
});

test('no two mails of a language have one subject, and the languages differ', () => {
  const subjects = ['en', 'es'].flatMap((locale) =>
    TEMPLATES.map((template) => render(mailOf(template, locale), undefined).subject),
  );
  expect(new Set(subjects).size).toBe(subjects.length);
});

test('the link is in both, and behind the button', () => {
  const link = 'https://tertulia.example/reset-password#token=abc';
  const { text, html } = render(mailOf('reset_password', 'en'), link);
  expect(text).toContain(`\n${link}\n`);
  expect(html).toContain(`<a class="button" href="${link}">Choose a password</a>`);
});

test('what people have written is text, never HTML', () => {
  const reason = '<img src=x onerror=alert(1)> & "quoted"';
  const parameters = { username: 'ana', reason, until: '2026-12-01T10:00:00.000Z' };
  const { text, html } = render({ ...mailOf('account_suspended', 'en'), parameters }, undefined);
  expect(text).toContain(reason);
  expect(text).toContain('until December 1, 2026');
  expect(html).not.toContain('<img');
  expect(html).toContain('&lt;img');
});

test('an unknown language falls back to English', () => {
  expect(render(mailOf('verify_email', 'xx'), undefined).subject).toBe('Confirm your e-mail address');
});
