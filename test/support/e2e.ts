import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { followFacts } from '../../src/lab/follow.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { createLab } from '../../src/lab/lab.ts';
import type { LabOptions } from '../../src/lab/options.ts';
import { defaultOptions } from '../../src/lab/options.ts';
import type { FactView } from '../../src/lab/progress.ts';
import { waitFor } from '../../src/lab/wait.ts';
import type { FactKind } from '../../src/model/fact.ts';
import type { Node } from '../../src/model/node.ts';
import { testLab } from './lab.ts';

const home = resolve(import.meta.dirname, '../..');

/** Milliseconds: four times what a discovery takes where its machine had to begin a boot again. */
export const discoveryDeadlineMs = 400_000;

/** Our own view of a node, as `/nodes` gives it. */
export type NodeRow = Pick<Node, 'id' | 'name' | 'state' | 'summary' | 'identifiers'> & {
  readonly bmc?: { readonly address?: string; readonly mac?: string };
};

/** A run, as RackHD's API gives it. */
export interface ListedRun {
  readonly instanceId: string;
  readonly injectableName: string;
  readonly status: string;
}

/** Virtual servers under the product itself, and what its API and its facts say of them. */
export interface Rack {
  readonly lab: Lab;
  readonly get: <T = unknown>(path: string) => Promise<T>;
  /** Resolves with the answer's body, parsed where it is JSON; throws where the server does not answer 2xx. */
  readonly send: <T = unknown>(method: 'POST' | 'PUT', path: string, body: unknown) => Promise<T>;
  /** The node of that number, as the server knows it now. */
  readonly known: (number: number) => Promise<NodeRow | undefined>;
  /** Boot device and power over IPMI, as an operator would. */
  readonly powerOn: (number: number) => Promise<void>;
  /** Resolves with the newest fact of this kind about the node, once there is one that `accept` takes. */
  readonly fact: (number: number, kind: FactKind, accept?: (fact: FactView) => boolean) => Promise<FactView>;
  readonly factsOf: (number: number, kind: FactKind) => readonly FactView[];
  readonly discovered: (number: number) => Promise<NodeRow>;
  /** Starts a graph on a node by RackHD's API and waits for its success. */
  readonly workflow: (nodeId: string, name: string) => Promise<void>;
  /** All that the node ever wrote to its serial line, without what steers a terminal. */
  readonly serial: (number: number) => string;
  readonly close: () => Promise<void>;
}

/**
 * A lab whose server is the product, with the discovery OS that `make microkernel` builds. `settings` are further
 * arguments of `serve`.
 */
export async function openRack(
  name: string,
  changes: Partial<LabOptions>,
  settings: readonly string[] = [],
): Promise<Rack> {
  const microkernelDir = join(home, '.cache/microkernel');
  if (!existsSync(join(microkernelDir, 'initrd.img'))) throw new Error('there is no discovery OS: make microkernel');
  const lab = await createLab(
    testLab(name, {
      memoryMib: defaultOptions.memoryMib,
      serverCommand: [process.execPath, join(home, 'src/main.ts'), 'serve', ...settings, '--config'],
      microkernelDir,
      ...changes,
    }),
  );
  const facts: FactView[] = [];
  const end = new AbortController();
  const following = followFacts({ url: lab.url ?? '', signal: end.signal }, (fact) => {
    facts.push(fact);
  });
  return {
    ...rackOf(lab, facts),
    close: async () => {
      end.abort();
      await following;
      await lab.down();
    },
  };
}

function rackOf(lab: Lab, facts: readonly FactView[]): Omit<Rack, 'close'> {
  const { get, send } = clientOf(lab.url ?? '');
  const known = async (number: number): Promise<NodeRow | undefined> => {
    const { mac } = lab.node(number).machine.identity;
    const { items } = await get<{ items: NodeRow[] }>('/nodes?type=compute&limit=1000');
    return items.find(({ identifiers }) => identifiers.includes(mac));
  };
  const factsOf = (number: number, kind: FactKind): FactView[] => {
    const { mac } = lab.node(number).machine.identity;
    const id = facts.find((fact) => fact.mac === mac && fact.nodeId !== undefined)?.nodeId;
    const isAbout = (fact: FactView): boolean => fact.mac === mac || (id !== undefined && fact.nodeId === id);
    return facts.filter((fact) => fact.kind === kind && isAbout(fact));
  };
  return {
    lab,
    get,
    send,
    known,
    factsOf,
    powerOn: async (number) => {
      for (const command of ['bootdev pxe', 'power on']) {
        const { code, stderr } = await lab.ipmi(number, 'chassis', ...command.split(' '));
        if (code !== 0) throw new Error(`node ${number}: ${command}: ${stderr}`);
      }
    },
    fact: async (number, kind, accept = () => true) =>
      await waitFor(`'${kind}' of node ${number}`, () => factsOf(number, kind).findLast(accept), {
        deadlineMs: discoveryDeadlineMs,
        stepMs: 20,
      }),
    discovered: async (number) => {
      const isThere = async (): Promise<NodeRow | undefined> => {
        // The server may be down: it is killed in some tests.
        const node = await known(number).catch(() => undefined);
        return node?.state.name === 'discovered' ? node : undefined;
      };
      return await waitFor(`node ${number} discovered`, isThere, { deadlineMs: discoveryDeadlineMs, stepMs: 250 });
    },
    workflow: async (nodeId, name) => {
      const { instanceId } = await send<ListedRun>('POST', `/api/current/nodes/${nodeId}/workflows`, { name });
      const ended = async (): Promise<string | undefined> => {
        const { status } = await get<ListedRun>(`/api/current/workflows/${instanceId}`);
        return ['running', 'pending'].includes(status) ? undefined : status;
      };
      const status = await waitFor(`the end of ${name}`, ended, { deadlineMs: 120_000, stepMs: 100 });
      if (status !== 'succeeded') throw new Error(`${name} of node ${nodeId} ended ${status}`);
    },
    serial: (number) =>
      readFileSync(lab.node(number).machine.files.serialLog, 'latin1')
        // eslint-disable-next-line no-control-regex -- terminals are steered by control characters
        .replaceAll(/\x1b\[[0-9;?=]*[A-Za-z]|[\r\0]/g, ''),
  };
}

function clientOf(url: string): Pick<Rack, 'get' | 'send'> {
  const call = async <T>(path: string, init: RequestInit): Promise<T> => {
    const answer = await fetch(`${url}${path}`, init);
    if (!answer.ok) throw new Error(`${init.method ?? ''} ${path}: ${answer.status} ${await answer.text()}`);
    const isJson = answer.headers.get('content-type')?.includes('json') === true;
    return (isJson ? await answer.json() : await answer.text()) as T;
  };
  return {
    get: async (path) => await call(path, { method: 'GET' }),
    send: async (method, path, body) =>
      await call(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  };
}
