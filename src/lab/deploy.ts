import { InputError, RackwrightError } from '../errors.ts';
import { addImage } from './add-image.ts';
import type { DeployProgress } from './deploy-progress.ts';
import { afterDeployFact } from './deploy-progress.ts';
import { followFacts } from './follow.ts';
import { provisioning } from './identity.ts';
import type { Painter } from './painter.ts';
import type { ServerApi } from './server-api.ts';
import type { SshTarget } from './ssh.ts';
import { givenKey, logIn, ownKey } from './ssh.ts';
import { labPaths } from './state.ts';
import type { LabStatus, NodeStatus } from './status.ts';

export interface DeployRequest {
  /** The node's number in the lab, from 1. */
  readonly node: number;
  /** Path of the image. */
  readonly image: string;
  /** Path of a private ssh key; absent: the lab's own, which is made where it is not there. */
  readonly key?: string;
}

export interface DeployDeps {
  readonly status: LabStatus;
  readonly api: ServerApi;
  readonly painter: Painter<DeployProgress>;
  readonly now: () => Date;
  /** Milliseconds until the system must have called home. */
  readonly deadlineMs: number;
}

export interface DeployResult {
  readonly progress: DeployProgress;
  readonly hostname: string;
  readonly target: SshTarget;
  /** What the system answered over ssh. */
  readonly system: { readonly hostname: string; readonly kernel: string };
}

/** A user of the system that is deployed; it may become root. */
const user = 'lab';
/** Milliseconds: sshd is up before the system calls home. */
const loginMs = 60_000;

/**
 * Puts an image on the first disk of a node, waits until its system calls home, and logs in there. Throws code
 * `deploy-failed` with the reason where it does not come to that; an InputError for a node, image or key that is none.
 */
export async function deployNode(request: DeployRequest, deps: DeployDeps): Promise<DeployResult> {
  const { status, api } = deps;
  const node = nodeOf(status, request.node);
  const known = await knownNode(api, node);
  const image = await addImage(api, request.image, deps.painter.say);
  const key = await (request.key === undefined ? ownKey(labPaths(status.name).sshKey) : givenKey(request.key));
  const hostname = `node${node.number}`;
  const [disk] = node.disks;
  const operation = await api.post<Operation>(`/nodes/${known.id}/deploy`, {
    ...{ image: image.name, hostname, user, keys: [key.publicLine] },
    ...(disk === undefined ? {} : { disk: { serial: disk.serial } }),
  });
  const progress = await watch(begun(node, image.name, operation, deps.now()), deps);
  if (progress.end?.state !== 'succeeded') throw failure(node, progress);
  const address = systemAddress(await knownNode(api, node));
  const target = { user, address, keyFile: key.file };
  const answer = await logIn(target, ['hostname && uname -srm'], { enter: status.enter, deadlineMs: loginMs });
  const [name = '', kernel = ''] = answer.split('\n');
  if (name !== hostname) {
    throw new RackwrightError('deploy-failed', `the system at ${address} says that it is '${name}', not '${hostname}'`);
  }
  return { progress, hostname, target, system: { hostname: name, kernel } };
}

interface Operation {
  readonly id: string;
  readonly tasks: readonly { readonly label: string }[];
}

/** `GET /nodes/:id`, as far as it is needed. */
interface KnownNode {
  readonly id: string;
  readonly deployment?: { readonly system?: { readonly addresses?: readonly string[] } };
}

function nodeOf({ nodes }: LabStatus, number: number): NodeStatus {
  const node = nodes.find((candidate) => candidate.number === number);
  if (node === undefined) throw new InputError('node', `expected 1 to ${nodes.length}, got ${number}`);
  return node;
}

async function knownNode(api: ServerApi, { number, mac }: NodeStatus): Promise<KnownNode> {
  const known = await api.get<KnownNode>(`/nodes/${mac}`);
  if (known !== undefined) return known;
  throw new RackwrightError(
    'not-discovered',
    `node ${number} is not discovered: it has not booted from the server. rackwright why ${mac} --server ${api.url}`,
  );
}

function begun(node: NodeStatus, image: string, { id, tasks }: Operation, at: Date): DeployProgress {
  return {
    ...{ node: node.number, kind: node.kind, image, runId: id, startedAt: at.getTime() },
    steps: tasks.map(({ label }) => ({ label })),
  };
}

/** Follows the run to its end, or to the deadline. */
async function watch(start: DeployProgress, deps: DeployDeps): Promise<DeployProgress> {
  let progress = start;
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(deps.deadlineMs)]);
  const paint = (): void => {
    deps.painter.paint(progress, deps.now().getTime());
  };
  const clock = setInterval(paint, 500);
  try {
    await followFacts({ url: deps.api.url, signal }, (fact) => {
      progress = afterDeployFact(progress, fact);
      if (progress.end !== undefined) done.abort();
    });
  } finally {
    clearInterval(clock);
    paint();
  }
  return progress;
}

function failure(node: NodeStatus, { end, note }: DeployProgress): RackwrightError {
  const why = note === undefined ? '' : `: ${note}`;
  const what = end === undefined ? `is not done in time and goes on${why}` : `${end.state}${why}`;
  return new RackwrightError('deploy-failed', `the deploy of node ${node.number} ${what}`);
}

/** The address at which the lab reaches the system: it says all that it has. */
function systemAddress({ deployment }: KnownNode): string {
  const network = provisioning.address.replace(/\d+$/, '');
  const found = deployment?.system?.addresses?.find((address) => address.startsWith(network));
  if (found !== undefined) return found;
  throw new RackwrightError('deploy-failed', 'the system called home, but named no address in the lab');
}
