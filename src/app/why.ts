import type { ApiWhy, Machine } from '../api/deps.ts';
import { RackwrightError } from '../errors.ts';
import { renderWhy } from '../timeline/render.ts';
import { why } from '../timeline/why.ts';
import type { Foundation } from './foundation.ts';
import type { Southbound } from './network.ts';

/** Timeline and verdict of a node, for the API. What was recorded until now counts: the queue is written first. */
export function createWhy({
  foundation,
  southbound,
}: {
  foundation: Foundation;
  southbound: Southbound | undefined;
}): ApiWhy {
  const { store, facts, now } = foundation;
  const ask = async (machine: Machine): Promise<NonNullable<Awaited<ReturnType<typeof why>>>> => {
    await facts.flush();
    const answer = await why({ store, nodeIdOrMac: machine.id, subnets: southbound?.subnets ?? [], now: now() });
    if (!answer) throw new RackwrightError('node-gone', `${machine.id} was deleted meanwhile`);
    return answer;
  };
  return {
    timeline: async (machine) => (await ask(machine)).timeline.facts,
    diagnosis: async (machine) => (await ask(machine)).diagnosis,
    text: async (machine) => {
      const { timeline, diagnosis } = await ask(machine);
      return `${renderWhy(timeline, diagnosis).join('\n')}\n`;
    },
  };
}
