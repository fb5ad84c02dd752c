import { en } from './en.ts';
import { es } from './es.ts';
import type { NotificationType, TextParameters, Texts } from './texts.ts';

const LANGUAGES: Record<string, Texts> = { en, es };

/** Title and message of a notification in a language; English where there is no such language. */
export function textOf<Type extends NotificationType>(
  locale: string,
  type: Type,
  parameters: TextParameters[Type],
) {
  const texts = LANGUAGES[locale] ?? en;
  return { title: texts[type].title(parameters), message: texts[type].message(parameters) };
}

const EXCERPT = 140;

/** The start of a comment, on one line. */
export function excerptOf(content: string): string {
  const characters = [...content.replace(/\s+/g, ' ')];
  return characters.length <= EXCERPT ? characters.join('') : `${characters.slice(0, EXCERPT - 1).join('')}…`;
}
