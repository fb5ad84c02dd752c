import { type Codec, commandSchema, type Publication, type Reply } from './protocol.ts';

/** Text frames; several commands in one are separated by line breaks, and `{}` is a ping or pong. */
export const jsonCodec: Codec = {
  name: 'json',
  ping: '{}',

  decode(frame) {
    if (typeof frame !== 'string') throw new TypeError('JSON comes in text frames');
    return frame
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const value: unknown = JSON.parse(line);
        return isPong(value) ? undefined : commandSchema.parse(value);
      });
  },

  reply(reply: Reply): string {
    if (!('connect' in reply) && !('history' in reply)) return JSON.stringify(reply);
    // Entries are JSON already: they are put in as they are, not parsed to be written again.
    const held: string[] = [];
    const text = JSON.stringify(reply, (key, value: unknown) => {
      if (key !== 'publications') return value;
      held.push(...(value as Publication[]).map(publicationText));
      return `\u0000${(value as Publication[]).length}`;
    });
    return text.replace(
      /"\\u0000(\d+)"/g,
      (_, count: string) => `[${held.splice(0, Number(count)).join(',')}]`,
    );
  },

  publication(channel, publication): string {
    return `{"push":{"channel":${JSON.stringify(channel)},"pub":${publicationText(publication)}}}`;
  },
};

function isPong(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  );
}

const publicationText = ({ offset, data }: Publication) => `{"offset":${offset},"data":${data}}`;
