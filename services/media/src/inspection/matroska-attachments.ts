import type { Redaction } from '../db/schema.ts';
import { CRC, type Element, elements, voided } from './ebml.ts';
import { hidePicture } from './picture.ts';
import type { Reader } from './reader.ts';

/** Subtitles are shown with them. */
const FONT = /font|opentype/i;

/** Fonts stay, and covers without their metadata; whatever else is attached goes. */
export async function hideAttachments(reader: Reader, attachments: Element): Promise<Redaction[]> {
  const redactions: Redaction[] = [];
  for await (const file of elements(reader, attachments.body, attachments.end)) {
    if (file.id === CRC) redactions.push(voided(file));
    else if (file.id === 0x61a7) redactions.push(...(await hideFile(reader, file)));
  }
  return redactions;
}

async function hideFile(reader: Reader, file: Element): Promise<Redaction[]> {
  let type = '';
  let data: Element | undefined;
  for await (const element of elements(reader, file.body, file.end)) {
    if (element.id === 0x4660) {
      const bytes = await reader.upTo(element.body, Math.min(element.end - element.body, 100));
      type = bytes.toString('latin1');
    } else if (element.id === 0x465c) data = element;
  }
  if (FONT.test(type)) return [];
  const hidden = data === undefined ? undefined : await hidePicture(reader, data.body, data.end - data.body);
  return hidden ?? [voided(file)];
}
