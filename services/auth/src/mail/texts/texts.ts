import type { MailParameters, MailTemplate } from '../send-mail.ts';
import { en } from './en.ts';
import { es } from './es.ts';

/** A mail in words: paragraphs, and what the button says where there is a link. */
export type Text = { subject: string; paragraphs: string[]; button?: string };

export type Texts = { [Template in MailTemplate]: (parameters: MailParameters[Template]) => Text };

const LANGUAGES: Record<string, Texts> = { en, es };

/** A mail's words in a language; English where there is no such language. */
export function textOf(
  locale: string,
  template: MailTemplate,
  parameters: MailParameters[MailTemplate],
): Text {
  const text = (LANGUAGES[locale] ?? en)[template] as (parameters: MailParameters[MailTemplate]) => Text;
  return text(parameters);
}
