import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestNet, type TestNet } from './netns.ts';
import { scratchDirectory } from './socket-path.ts';
import { openTestWorld, type TestWorld } from './world.ts';

/** A discovered simulated node, and a network namespace in which the server is at the ports that tutorials name. */
export interface ReadersWorld {
  readonly world: TestWorld;
  /** `reader` reaches the server, `stranger` nothing. */
  readonly hosts: TestNet<'reader' | 'stranger'>['hosts'];
  /** A directory that is removed at the end. */
  readonly directory: string;
  close(): Promise<void>;
}

/** `number` is the world's; `ports` of the namespace's loopback lead to its API. Needs root. */
export async function openReadersWorld(number: number, ports: readonly number[]): Promise<ReadersWorld> {
  const scratch = scratchDirectory();
  const open: (() => Promise<void> | void)[] = [
    () => {
      scratch.remove();
    },
  ];
  const close = async (): Promise<void> => {
    for (const end of open.splice(0).reverse()) await end();
  };
  try {
    const socket = join(scratch.path, 'admin.sock');
    const world = await openTestWorld({ number, count: 1, config: { admin: { socket } } });
    open.push(() => world.close());
    const net = await createTestNet({ reader: '192.0.2.2/24', stranger: '192.0.2.3/24' });
    open.push(() => net.close());
    const program = fileURLToPath(new URL('./tutorial-ports.ts', import.meta.url));
    const forwarding = net.hosts.reader.start([process.execPath, program, socket, ...ports.map(String)]);
    await forwarding.until(/forwarding/);
    world.fleet.machines[0]?.node.powerOn();
    await world.allInState('discovered');
    return { world, hosts: net.hosts, directory: scratch.path, close };
  } catch (error) {
    await close();
    throw error;
  }
}
