import { z } from 'zod';
import { lastEventId, sendEvents, type ServerSentEvent } from '../../http/event-stream.ts';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import { factKinds, type Fact, type FactKind } from '../../model/fact.ts';
import type { Node } from '../../model/node.ts';
import { isRealUuid } from '../../model/uuid.ts';
import type { ApiDeps, Machine } from '../deps.ts';
import { withMachine } from './answers.ts';
import { factView } from './fact-view.ts';

const kinds = Object.keys(factKinds) as [FactKind, ...FactKind[]];
const kind = z.enum(kinds, 'must be a kind of fact, such as dhcp.discover');
const eventId = z.string().regex(/^[0-9a-f]{24}$/, 'must be the id of an event: 24 hexadecimal digits');

const eventsQuery = z.strictObject({
  node: z.string().optional().describe("a node's id, name, serial number, MAC or IPv4 address"),
  kind: z
    .union([kind, z.array(kind)])
    .optional()
    .describe('only facts of these kinds'),
  from: z
    .union([eventId, z.literal('start')], "must be the id of an event, or 'start'")
    .optional()
    .describe('go on after this event, or from the start of what is kept; else only what comes'),
});

/**
 * `/events`: facts as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). A client
 * that comes back with `Last-Event-ID` misses nothing that is still kept.
 */
export function eventsRoutes(deps: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/events',
      operationId: 'followEvents',
      summary: 'Facts as they happen, as server-sent events; goes on after Last-Event-ID',
      tag: 'events',
      query: eventsQuery,
      responses: { 200: 'text/event-stream', 400: 'No such kind, or no id of an event', 404: 'There is no such node' },
      handle: ({ query: { node, kind: wanted, from }, headers, signal }) => {
        const last = lastEventId(headers);
        if (last !== undefined && !eventId.safeParse(last).success) return unknownEventId;
        const cursor = last ?? from;
        const stream = (about?: Node | Machine): RouteResponse => {
          const at = cursor === undefined ? {} : { cursor: cursor === 'start' ? '' : cursor };
          const events = asEvents(deps.facts.follow({ signal, ...at }), factFilter(about, wanted));
          return { raw: (request, response) => sendEvents(request, response, { events }) };
        };
        return node === undefined ? stream() : withMachine(deps, node, stream);
      },
    }),
  ];
}

const unknownEventId: RouteResponse = {
  problem: {
    status: 400,
    detail: 'Last-Event-ID must be the id of an event: 24 hexadecimal digits.',
    errors: [{ field: 'headers.last-event-id', expected: '24 hexadecimal digits' }],
  },
};

/** Whether a fact is asked for. */
function factFilter(
  machine: Node | Machine | undefined,
  wanted: FactKind | FactKind[] | undefined,
): (fact: Fact) => boolean {
  const only = wanted === undefined ? undefined : new Set([wanted].flat());
  const about = machine === undefined ? () => true : isAbout(machine);
  return (fact) => (only === undefined || only.has(fact.kind)) && about(fact);
}

/** Facts are keyed by what was seen, so a node's are found by its MACs and UUID, too. */
function isAbout(machine: Node | Machine): (fact: Fact) => boolean {
  const node = 'identifiers' in machine ? machine : undefined;
  const macs = new Set(node === undefined ? [machine.id] : [...node.identifiers, ...(node.summary.macs ?? [])]);
  const uuid = node?.uuid !== undefined && isRealUuid(node.uuid) ? node.uuid : undefined;
  return ({ nodeId, mac, uuid: seen }) => {
    if (nodeId !== undefined) return nodeId === node?.id;
    return mac === undefined ? seen !== undefined && seen === uuid : macs.has(mac);
  };
}

async function* asEvents(
  pages: AsyncGenerator<readonly Fact[]>,
  fits: (fact: Fact) => boolean,
): AsyncGenerator<ServerSentEvent[]> {
  for await (const facts of pages) {
    const events = facts.filter(fits).map((fact) => ({ id: fact.id, data: factView(fact) }));
    if (events.length > 0) yield events;
  }
}
