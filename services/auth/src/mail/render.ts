import { html, raw } from 'hono/html';
import type { Mail } from './send-mail.ts';
import { textOf } from './texts/texts.ts';

/** A mail as it is sent. */
export type Letter = { to: string; locale: string; subject: string; text: string; html: string };

/** Puts a mail into words, as plain text and as HTML. `link` stands under the text, and behind the button. */
export function render({ to, locale, template, parameters }: Mail, link: string | undefined): Letter {
  const { subject, paragraphs, button } = textOf(locale, template, parameters);
  const text = [...paragraphs.slice(0, 1), ...(link === undefined ? [] : [link]), ...paragraphs.slice(1)];
  return {
    to,
    locale,
    subject,
    text: `${text.join('\n\n')}\n\n— Tertulia\n`,
    html: String(page({ locale, subject, paragraphs, button, link })),
  };
}

const STYLE = `
  :root { color-scheme: light dark; supported-color-schemes: light dark; }
  body { margin: 0; padding: 24px; background: #f5f5f4; color: #1c1917; font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 32rem; margin: 0 auto; padding: 24px; background: #fff; border-radius: 12px; }
  h1 { margin: 0 0 16px; font-size: 20px; line-height: 1.3; }
  p { margin: 0 0 16px; overflow-wrap: anywhere; }
  .button { display: inline-block; padding: 12px 20px; border-radius: 8px; background: #9a3412; color: #fff; text-decoration: none; font-weight: 600; }
  .link { font-size: 14px; }
  .link a { color: #9a3412; }
  footer { color: #57534e; font-size: 14px; }
  @media (prefers-color-scheme: dark) {
    body { background: #1c1917; color: #f5f5f4; }
    main { background: #292524; }
    .button { background: #fdba74; color: #1c1917; }
    .link a { color: #fdba74; }
    footer { color: #d6d3d1; }
  }`;

type Page = {
  locale: string;
  subject: string;
  paragraphs: string[];
  button: string | undefined;
  link: string | undefined;
};

function page({ locale, subject, paragraphs: [first, ...others], button, link }: Page) {
  return html`<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${subject}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>${subject}</h1>
<p>${first}</p>
${
  link === undefined
    ? ''
    : html`<p><a class="button" href="${link}">${button}</a></p>
<p class="link"><a href="${link}">${link}</a></p>`
}
${others.map((paragraph) => html`<p>${paragraph}</p>`)}
<footer>Tertulia</footer>
</main>
</body>
</html>
`;
}
