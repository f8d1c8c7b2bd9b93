import { z } from 'zod';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import { parseMac } from '../../net/mac.ts';
import { renderScript } from '../../boot/script.ts';
import type { BootTarget } from '../../boot/target.ts';
import type { Node } from '../../model/node.ts';
import type { SouthboundDeps } from '../deps.ts';

const mac = z.string().transform((text, context) => {
  const parsed = parseMac(text);
  if (parsed === undefined) context.addIssue({ code: 'custom', message: 'expected a MAC address' });
  return parsed ?? '';
});
const uuid = z.guid().transform((text) => text.toLowerCase());

const scriptQuery = z.object({ mac, uuid: uuid.optional().catch(undefined) });

/** The boot script of the machine that asks, and what a loader reports when a step of it fails. */
export function scriptRoutes(deps: SouthboundDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/boot/script',
      summary: 'The iPXE script that this machine boots now',
      operationId: 'bootScript',
      tag: 'boot',
      query: scriptQuery,
      responses: {
        200: 'an iPXE script',
        403: 'asked for from an address that is not the lease of the MAC',
        429: 'too many unknown machines from that address',
      },
      async handle({ query, peer }) {
        const foreign = await deps.foreignPeer(query.mac, peer);
        if (foreign !== undefined) return refuse(deps, { mac: query.mac, address: peer }, 403, foreign);
        return scriptFor(deps, { mac: query.mac, address: peer, uuid: query.uuid });
      },
    }),
    defineRoute({
      method: 'get',
      path: '/boot/:bootId/failed',
      summary: 'A boot loader says that a step of its script failed',
      operationId: 'bootFailed',
      tag: 'boot',
      params: z.object({ bootId: z.string().max(64) }),
      query: z.object({ step: z.string().max(20).default('?'), error: z.string().max(40).default('?') }),
      responses: { 200: 'noted' },
      async handle({ params, query, peer }) {
        const boot = await deps.boots.get(params.bootId);
        if (boot?.address === peer) {
          const step = query.step.replace(/\W/g, '?');
          const error = query.error.replace(/[^\w:/.]/g, '?');
          deps.record({
            kind: 'boot.failed',
            how: 'packet',
            text: `the boot loader failed at the step '${step}', iPXE error ${error} (https://ipxe.org/${error})`,
            mac: boot.mac,
            address: peer,
            nodeId: boot.nodeId,
            data: { step, error, bootId: boot.id },
          });
        }
        // A body, and so a length: iPXE takes an answer without one to end with the connection, and waits for that.
        return { status: 200, text: 'noted\n', type: 'text/plain; charset=utf-8' };
      },
    }),
  ];
}

function refuse(
  { record }: SouthboundDeps,
  about: { mac: string; address: string },
  status: number,
  detail: string,
): RouteResponse {
  record({ kind: 'boot.identity-refused', how: 'packet', text: detail, ...about });
  return { problem: { status, detail } };
}

async function scriptFor(
  deps: SouthboundDeps,
  machine: { mac: string; address: string; uuid: string | undefined },
): Promise<RouteResponse> {
  const { uuid: machineUuid, ...rest } = machine;
  const sighting = machineUuid === undefined ? rest : { ...rest, uuid: machineUuid };
  const known = await deps.findNode(machine.mac, machineUuid);
  const first = await deps.target(known);
  if (first.kind === 'nothing' && !known) return answer(deps, machine, { target: first, node: undefined });
  if (!known && !deps.enrolments.admit(machine.address)) {
    const text = `${machine.mac} is unknown, and ${machine.address} has brought too many unknown machines in the last hour`;
    return refuse(deps, { mac: machine.mac, address: machine.address }, 429, text);
  }
  const node = await deps.enrol(sighting);
  if (first.kind === 'discovery') await deps.startDiscovery(node);
  return answer(deps, machine, { target: first, node });
}

async function answer(
  deps: SouthboundDeps,
  machine: { mac: string; address: string; uuid: string | undefined },
  { target, node }: { target: BootTarget; node: Node | undefined },
): Promise<RouteResponse> {
  const boots = target.kind !== 'nothing' && node !== undefined;
  const boot = boots ? await deps.boots.begin({ ...machine, nodeId: node.id }) : undefined;
  deps.record({
    kind: 'boot.script',
    how: 'packet',
    text:
      target.kind === 'nothing'
        ? `script: nothing to boot, ${target.reason}`
        : `script: boot ${target.kind}, ${target.reason}`,
    mac: machine.mac,
    address: machine.address,
    ...(machine.uuid === undefined ? {} : { uuid: machine.uuid }),
    ...(node ? { nodeId: node.id } : {}),
    data: { target: target.kind, reason: target.reason, ...(boot ? { bootId: boot.id } : {}) },
  });
  const text = renderScript(target, {
    url: deps.url,
    mac: machine.mac,
    ...(machine.uuid === undefined ? {} : { uuid: machine.uuid }),
    nodeName: node?.name ?? machine.mac,
    kernelArgs: deps.kernelArgs,
    ...(boot ? { bootId: boot.id } : {}),
  });
  return { status: 200, text, type: 'text/plain; charset=utf-8' };
}
