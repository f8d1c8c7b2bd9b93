import { join } from 'node:path';
import { southboundUrl } from '../boot/offer.ts';
import type { Config } from '../config-schema.ts';
import type { Deployments } from '../deployment/deployments.ts';
import { RackwrightError } from '../errors.ts';
import type { Role } from '../model/role.ts';
import { createBmcUser } from '../obm/bmc-user.ts';
import { createObm, type Obm } from '../obm/obm.ts';
import { createRunCommand } from '../obm/run-command.ts';
import { createDefinitions, readDefinitions, type Definitions } from '../workflows/definitions.ts';
import { createEngine } from '../workflows/engine.ts';
import type { Engine } from '../workflows/engine-interface.ts';
import type { Services } from '../workflows/job.ts';
import { createQueue, type RedisAddress } from '../workflows/queue.ts';
import { createManagedRedis } from '../workflows/redis.ts';
import { jobs } from '../workflows/tasks/index.ts';
import { createWorker } from '../workflows/worker.ts';
import { endLeftOver, endWithRuns } from './deployments.ts';
import type { Foundation } from './foundation.ts';
import { parseNetworks, type Southbound } from './network.ts';

/** The engine with its queue, its worker, and what its jobs use. */
export interface Workflows {
  readonly engine: Engine;
  readonly definitions: Definitions;
  readonly obm: Obm;
  readonly worker: Role;
  /** Redis, the definitions' directory and the engine's sweep. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Rejects where Redis does not answer. */
  readonly ping: () => Promise<void>;
}

interface WorkflowsDeps {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly southbound: Southbound | undefined;
  readonly deployments: Deployments;
  readonly home: string;
}

export async function createWorkflows(deps: WorkflowsDeps): Promise<Workflows> {
  const { config, foundation, southbound, deployments, home } = deps;
  const { store, facts, log, now, member } = foundation;
  const scope = templateScope(config, southbound);
  const shipped = await readDefinitions(join(home, 'definitions'));
  const definitions = createDefinitions({ store, shipped, jobs, scope });
  const redis = openRedis(config, foundation);
  const queue = createQueue({ redis: redis.address, log });
  const { obm, bmc } = createControllers(config, foundation);
  const secrets: Services['secrets'] = {
    resolve: (nodeId, name) => (name === 'deploy-token' ? deployments.deployToken(nodeId) : bmc.secret(nodeId, name)),
  };
  const engine = createEngine({
    store,
    definitions,
    jobs,
    scope,
    append: (decided) => facts.append(decided),
    secrets,
    hint: queue.add,
    isAlive: member.isAlive,
    now,
    log,
  });
  const deploy: Services['deploy'] = {
    prepare: (input) => deployments.prepare(input),
    open: (sealed) => foundation.sealer.open(sealed),
  };
  const services: Services = { store, obm, bmc, deploy, record: facts.record, secrets };
  const stopEnding = endWithRuns(deployments, engine, foundation);
  return {
    engine,
    definitions,
    obm,
    worker: createWorker({ engine, queue, jobs, services, member: member.id, now, log }),
    ping: async () => {
      if (!(await queue.ping())) throw new RackwrightError('redis', 'Redis does not answer', { retryable: true });
    },
    async start() {
      await redis.start();
      await checkDiscoveryGraph(config, definitions, foundation);
      await endLeftOver(deployments, foundation);
      await engine.begin();
    },
    async stop() {
      stopEnding();
      try {
        await engine.stop();
      } finally {
        await queue.close();
        await redis.stop();
      }
    },
  };
}

/** What speaks to BMCs, with our own users on them. */
function createControllers(config: Config, { store, sealer, facts, log, now }: Foundation) {
  const networks = parseNetworks(config.bmc.networks, 'bmc.networks');
  const { record } = facts;
  const obm = createObm({ store, sealer, record, run: createRunCommand(), log, now, networks });
  const bmc = createBmcUser({ store, sealer, obm, record, user: config.bmc.user, networks });
  return { obm, bmc };
}

interface OpenRedis {
  readonly address: RedisAddress;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The configured Redis, or a managed one in the data directory. */
function openRedis({ redis }: Config, { dataDir, log }: Foundation): OpenRedis {
  if (redis.url === undefined) {
    const managed = createManagedRedis({ dataDirectory: dataDir, log });
    return { address: { path: managed.path }, start: managed.start, stop: managed.stop };
  }
  const nothing = (): Promise<void> => Promise.resolve();
  return { address: { url: redis.url }, start: nothing, stop: nothing };
}

/** A discovery graph that does not move its node would leave every node `new`: said at the start, not found out later. */
async function checkDiscoveryGraph(
  { discovery }: Config,
  definitions: Definitions,
  { log }: Foundation,
): Promise<void> {
  const graph = await definitions.graph(discovery.graph);
  if (graph?.nodeEvents === 'discover' || !discovery.enabled) return;
  const problem = graph ? 'does not say nodeEvents: discover, so nodes that run it stay new' : 'is not known';
  log.warn({ event: 'discovery.graph', graph: discovery.graph }, `discovery.graph ${discovery.graph} ${problem}`);
}

/** What options of tasks may name, by RackHD's words. */
function templateScope(config: Config, southbound: Southbound | undefined): Readonly<Record<string, unknown>> {
  const address = southbound?.local.address ?? config.admin.address;
  const server = southboundUrl({ address, httpPort: config.southbound.httpPort });
  return {
    server: {
      apiServerAddress: address,
      apiServerPort: config.southbound.httpPort,
      discovery: { then: config.discovery.then },
    },
    api: { server, base: `${server}/api/current` },
    file: { server: `${server}/files` },
  };
}
