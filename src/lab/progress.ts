import type { Fact, FactKind } from '../model/fact.ts';
import type { LabEvent } from './events.ts';
import type { NodeKind } from './options.ts';

/** The steps of a first boot, in their order. */
export const bootSteps = ['power', 'dhcp', 'loader', 'script', 'kernel', 'agent'] as const;
export type BootStep = (typeof bootSteps)[number];

/** How far a node has come. Times are milliseconds since 1970. */
export interface NodeProgress {
  readonly number: number;
  readonly kind: NodeKind | 'simulated';
  readonly mac: string;
  readonly nodeId?: string;
  /** Its newest address: facts about files know nothing else of who asked. */
  readonly address?: string;
  /** When each step was first reached. */
  readonly reached: Readonly<Partial<Record<BootStep, number>>>;
  readonly catalogs: readonly string[];
  /** The node's state, as the server tells it. */
  readonly state?: string;
  readonly endedAt?: number;
  /** The newest trouble, in plain words. */
  readonly note?: string;
}

export type Progress = readonly NodeProgress[];

/** A fact as `/events` sends it. */
export type FactView = Pick<Fact, 'at' | 'kind' | 'text'> & Partial<Omit<Fact, 'at' | 'kind' | 'text'>>;

/** What a list of virtual servers looks like before anything happened. */
export function noProgress(nodes: readonly Pick<NodeProgress, 'number' | 'kind' | 'mac'>[]): Progress {
  return nodes.map(({ number, kind, mac }) => ({ number, kind, mac, reached: {}, catalogs: [] }));
}

/** Whether the server has come to an end with the node. */
export function isSettled(node: NodeProgress): boolean {
  return node.endedAt !== undefined;
}

/** Facts that are trouble enough to be shown. A broken-off TFTP transfer is not: firmware does it to learn a size. */
const troubles: ReadonlySet<FactKind> = new Set([
  'dhcp.other-server',
  'dhcp.rogue',
  'tftp.refused',
  'boot.file-failed',
  'boot.failed',
  'boot.identity-refused',
  'agent.refused',
  'catalog.failed',
  'bmc.failed',
]);

/** Progress after something that the server observed or decided. Facts about nobody in the lab change nothing. */
export function afterFact(progress: Progress, fact: FactView): Progress {
  return progress.map((node) => (isAbout(node, fact) ? advance(learn(node, fact), fact) : node));
}

/** Progress after something that happened in the lab itself. */
export function afterLabEvent(progress: Progress, event: LabEvent): Progress {
  if (event.kind !== 'power' && event.kind !== 'trouble') return progress;
  return progress.map((node) => {
    if (node.number !== event.node) return node;
    if (event.kind === 'trouble') return { ...node, note: event.text };
    return event.power === 'on' ? reach(node, 'power', event.at) : node;
  });
}

function isAbout(node: NodeProgress, fact: FactView): boolean {
  if (fact.mac !== undefined) return fact.mac === node.mac;
  if (fact.nodeId !== undefined) return fact.nodeId === node.nodeId;
  return fact.address !== undefined && fact.address === node.address;
}

function learn(node: NodeProgress, fact: FactView): NodeProgress {
  const holds = fact.kind === 'dhcp.ack' && fact.address !== undefined;
  return {
    ...node,
    ...(fact.nodeId === undefined ? {} : { nodeId: fact.nodeId }),
    ...(holds ? { address: fact.address } : {}),
  };
}

function advance(node: NodeProgress, fact: FactView): NodeProgress {
  const step = stepOf(fact);
  if (step !== undefined) return reach(node, step, fact.at);
  if (troubles.has(fact.kind)) return { ...node, note: fact.text };
  if (fact.kind === 'catalog.stored') return withCatalog(node, fact.data?.source);
  return fact.kind === 'node.state' ? withState(node, fact) : node;
}

function stepOf(fact: FactView): BootStep | undefined {
  switch (fact.kind) {
    case 'dhcp.ack':
      return 'dhcp';
    case 'tftp.done':
      return 'loader';
    case 'boot.script':
      return 'script';
    case 'boot.file':
      return fileStep(fact.data?.path);
    case 'agent.session':
      return 'agent';
    default:
      return undefined;
  }
}

function fileStep(path: unknown): BootStep | undefined {
  if (typeof path !== 'string') return undefined;
  if (path.endsWith('/vmlinuz')) return 'kernel';
  return /\.(efi|k?kpxe|pxe)$/.test(path) ? 'loader' : undefined;
}

/** Once: a loader asks for an address again, and a node boots more often than once. */
function reach(node: NodeProgress, step: BootStep, at: string): NodeProgress {
  if (node.reached[step] !== undefined) return node;
  return { ...node, reached: { ...node.reached, [step]: Date.parse(at) } };
}

function withCatalog(node: NodeProgress, source: unknown): NodeProgress {
  if (typeof source !== 'string' || node.catalogs.includes(source)) return node;
  return { ...node, catalogs: [...node.catalogs, source] };
}

function withState(node: NodeProgress, fact: FactView): NodeProgress {
  const state = fact.data?.state;
  if (typeof state !== 'string') return node;
  const ended = state === 'discovered' || state === 'failed-discovery';
  const failed = state === 'failed-discovery';
  const { endedAt, ...open } = node;
  return {
    ...open,
    state,
    ...(ended ? { endedAt: endedAt ?? Date.parse(fact.at) } : {}),
    ...(failed ? { note: fact.text } : {}),
  };
}
