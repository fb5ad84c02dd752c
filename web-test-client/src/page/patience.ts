import { ApiProblem } from './problem.ts';
import type { Media } from './types.ts';

const FRESH_MS = 60_000;
const AGAIN_MS = 300;

/** Comments hears of a new media by an event, a moment after media has it: until then it is asked again. */
export async function whenHeard<Answer>(media: Media, ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const unheard = error instanceof ApiProblem && error.code === 'media_not_found';
      if (!unheard || Date.now() - Date.parse(media.createdAt) > FRESH_MS) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
