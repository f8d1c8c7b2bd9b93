import type { ApiWhy } from '../api/deps.ts';
import { RackwrightError } from '../errors.ts';
import type { Node } from '../model/node.ts';
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
  const ask = async (node: Node): Promise<NonNullable<Awaited<ReturnType<typeof why>>>> => {
    await facts.flush();
    const answer = await why({ store, nodeIdOrMac: node.id, subnets: southbound?.subnets ?? [], now: now() });
    if (!answer) throw new RackwrightError('node-gone', `node ${node.id} was deleted meanwhile`);
    return answer;
  };
  return {
    timeline: async (node) => (await ask(node)).timeline.facts,
    diagnosis: async (node) => (await ask(node)).diagnosis,
    text: async (node) => {
      const { timeline, diagnosis } = await ask(node);
      return `${renderWhy(timeline, diagnosis).join('\n')}\n`;
    },
  };
}
