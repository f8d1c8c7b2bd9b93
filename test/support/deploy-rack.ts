import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { NodeKind, NodeSpec } from '../../src/lab/options.ts';
import { runOk } from '../../src/lab/run.ts';
import { logIn, ownKey, type SshKey } from '../../src/lab/ssh.ts';
import { waitFor } from '../../src/lab/wait.ts';
import type { NodeRow, Rack } from './e2e.ts';
import { openRack } from './e2e.ts';
import { killable } from './kill-agent.ts';

const imageFile = join(resolve(import.meta.dirname, '../..'), '.cache/image/debian-12.raw.zst');

/** Milliseconds: four times what a deploy with a power loss takes on a machine with nothing else to do. */
export const deployDeadlineMs = 900_000;

/** A deployed node, as `GET /nodes/:id` tells it. */
export interface DeployedNode extends NodeRow {
  readonly deployment: {
    readonly disk?: { readonly name: string; readonly serial?: string };
    readonly system?: { readonly hostname: string; readonly kernel: string; readonly addresses: readonly string[] };
  };
}

/** A rack whose server has the image of `make image`, by the name debian-12. */
export interface DeployRack extends Rack {
  /** Lets its owner in where a deploy was told of it. */
  readonly key: SshKey;
  /** A node that was discovered; throws for others. */
  readonly node: (number: number) => NodeRow;
  readonly nodeNow: (number: number) => Promise<DeployedNode>;
  /** Waits until the node is in one of these states; the server may be away meanwhile. */
  readonly inState: (number: number, ...states: string[]) => Promise<DeployedNode>;
  /** Resolves when bytes of the image are on the disk, and more are to come. */
  readonly isWriting: (number: number) => Promise<void>;
  /** What the deployed system says of itself to a user who logs in: host name, kernel, root file system. */
  readonly login: (number: number, user: string) => Promise<string[]>;
}

/** Disks come first in the boot order, so that a half-written one would show itself; agents can be killed. */
export async function openDeployRack(name: string, nodes: readonly (NodeKind | NodeSpec)[]): Promise<DeployRack> {
  if (!existsSync(imageFile)) throw new Error('there is no image: make image');
  const rack = await openRack(name, { nodes, bootOrder: 'cn' }, killable);
  try {
    await addImage(rack, 'debian-12', imageFile);
    return withDeploys(rack, await ownKey(join(rack.lab.paths.dir, 'key')));
  } catch (error) {
    await rack.close();
    throw error;
  }
}

/** Adds a file to the server's images, by this name. */
export async function addImage({ lab }: Rack, name: string, file: string): Promise<void> {
  const upload = ['curl', '-fsS', '--upload-file', file, `${lab.url ?? ''}/images/${name}`];
  await runOk(upload, { deadlineMs: 300_000 });
}

function withDeploys(rack: Rack, key: SshKey): DeployRack {
  const nodes = new Map<number, NodeRow>();
  const node = (number: number): NodeRow => {
    const found = nodes.get(number);
    if (!found) throw new Error(`node ${number} was not discovered`);
    return found;
  };
  const nodeNow = (number: number): Promise<DeployedNode> => rack.get<DeployedNode>(`/nodes/${node(number).id}`);
  const inState: DeployRack['inState'] = async (number, ...states) => {
    const settled = async (): Promise<DeployedNode | undefined> => {
      const now = await nodeNow(number).catch(() => undefined);
      return now && states.includes(now.state.name) ? now : undefined;
    };
    return await waitFor(`node ${number} ${states.join(' or ')}`, settled, {
      deadlineMs: deployDeadlineMs,
      stepMs: 250,
    });
  };
  return {
    ...rack,
    key,
    node,
    nodeNow,
    inState,
    discovered: async (number) => {
      const found = await rack.discovered(number);
      nodes.set(number, found);
      return found;
    },
    isWriting: async (number) => {
      await rack.fact(number, 'deploy.progress', ({ data }) => Number(data?.bytes) > 0 && data?.bytes !== data?.total);
    },
    login: async (number, user) => {
      const { deployment } = await nodeNow(number);
      const address = deployment.system?.addresses.find((candidate) => candidate.startsWith('172.31.128.')) ?? '';
      const target = { user, address, keyFile: key.file };
      const command = ['hostname; uname -r; findmnt -no SOURCE,SIZE /'];
      const said = await logIn(target, command, { enter: rack.lab.status().enter, deadlineMs: 120_000 });
      return said.split('\n');
    },
  };
}
