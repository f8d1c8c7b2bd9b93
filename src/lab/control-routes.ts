import type { ControlRoute, ControlStream } from './control.ts';
import type { Member } from './build-node.ts';
import type { LabEvents } from './events.ts';
import type { LabServer } from './server.ts';
import type { LabStatus } from './status.ts';

export interface ControlDeps {
  readonly members: readonly Member[];
  readonly server: () => LabServer | undefined;
  readonly status: () => LabStatus;
}

/** What can be asked of a lab's owner: status, a BMC's chassis commands, the server's fate. */
export function controlRoutes(deps: ControlDeps): ControlRoute[] {
  return [
    {
      method: 'GET',
      path: /^\/status$/,
      handle: () => ({ status: 200, text: JSON.stringify(deps.status()) }),
    },
    {
      method: 'POST',
      path: /^\/nodes\/(\d+)\/chassis$/,
      handle: async ({ groups, body }) => {
        const member = deps.members.find(({ node }) => node.machine.identity.number === Number(groups[0]));
        if (member === undefined) return { status: 404, text: 'no such node\n' };
        const { ok, text } = await member.chassis.command(body);
        return { status: ok ? 200 : 400, text };
      },
    },
    {
      method: 'POST',
      path: /^\/server\/(start|stop|kill)$/,
      handle: async ({ groups }) => {
        const server = deps.server();
        if (server === undefined) return { status: 409, text: 'this lab runs no server\n' };
        const [verb] = groups;
        if (verb === 'start') await server.start();
        else if (verb === 'stop') await server.stop();
        else await server.kill();
        return { status: 200, text: '' };
      },
    },
  ];
}

/** All that happened in the lab, and all that happens: one JSON object a line. */
export function controlStreams(events: LabEvents): ControlStream[] {
  return [
    {
      path: '/events',
      open: (write) =>
        events.follow((event) => {
          write(JSON.stringify(event));
        }),
    },
  ];
}
