import { createHash, randomBytes } from 'node:crypto';

/**
 * Ids of facts: 24 hexadecimal digits that sort by time. Seconds since 1970 (8 digits, as all our ids), the millisecond
 * (3), then 13 that tell the facts of one millisecond apart.
 */

const perMillisecond = 0xfffff;

function timePrefix(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return seconds.toString(16).padStart(8, '0') + (milliseconds % 1000).toString(16).padStart(3, '0');
}

/** Makes ids that grow strictly, even where the clock stands still or goes back: sequence (5 digits), this maker (8). */
export function createFactIds(now: () => Date): () => string {
  const maker = randomBytes(4).toString('hex');
  let last = 0;
  let sequence = 0;
  return () => {
    const time = now().getTime();
    if (time > last) {
      last = time;
      sequence = 0;
    } else if (++sequence > perMillisecond) {
      last += 1;
      sequence = 0;
    }
    return timePrefix(last) + sequence.toString(16).padStart(5, '0') + maker;
  };
}

/** The id of a decided fact: the same for the same name and time, whoever publishes it and however often. */
export function decidedFactId(name: string, at: string): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return timePrefix(Math.max(0, Date.parse(at))) + digest.slice(0, 13);
}
