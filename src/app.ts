import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config } from './config-schema.ts';
import { checkAdmin, createAdminRole } from './app/admin.ts';
import { createBootNetwork } from './app/boot-network.ts';
import { deploymentsOf } from './app/deployments.ts';
import { endInOrder } from './app/ending.ts';
import { imagesOf } from './app/images.ts';
import { openFoundation, type Environment, type Foundation } from './app/foundation.ts';
import { findSouthbound, type Southbound } from './app/network.ts';
import { createWorkflows, type Workflows } from './app/workflows.ts';
import type { Deployments } from './deployment/deployments.ts';
import type { Images } from './images/images.ts';
import type { Role } from './model/role.ts';
import { createWhy } from './app/why.ts';

/** The composition root: the only place that makes things and joins them. */

export interface App {
  /** Starts the configured roles. Throws the fault of the first that cannot, with those before it stopped again. */
  start(): Promise<void>;
  /**
   * Drains and stops what was started, last first; then lets go of everything. Does not throw: what fails or hangs is
   * logged, and false answered.
   */
  stop(): Promise<boolean>;
}

const home = resolve(import.meta.dirname, '..');

/**
 * Makes the server of a configuration; nothing listens before `start`. Throws what is wrong with configuration, network,
 * data directory, store or Redis in words that say what to do.
 */
export async function createApp(config: Config, environment: Environment): Promise<App> {
  checkAdmin(config);
  const southbound = findSouthbound(config, networkInterfaces());
  const foundation = await openFoundation(config, environment);
  try {
    const version = await readVersion();
    const images = imagesOf(config, foundation);
    const deployments = deploymentsOf({ config, foundation, southbound, images });
    const workflows = await createWorkflows({ config, foundation, home, southbound, deployments });
    try {
      const roles = createRoles({ config, foundation, southbound, workflows, images, deployments, version });
      return createLifecycle({ config, foundation, workflows, images, roles });
    } catch (error) {
      // Its connections to Redis would keep the process alive.
      await workflows.stop();
      throw error;
    }
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly southbound: Southbound | undefined;
  readonly workflows: Workflows;
  readonly images: Images;
  readonly deployments: Deployments;
  readonly version: string;
}

/** The roles that the configuration picks, in the order in which they start: what nodes see comes last. */
function createRoles(parts: Parts): Role[] {
  const { config, foundation, southbound, workflows, images, deployments, version } = parts;
  const { engine, obm, definitions } = workflows;
  const admin = createAdminRole({
    config,
    version,
    foundation,
    southbound,
    parts: { engine, obm, definitions, images, why: createWhy({ foundation, southbound }) },
    checks: { redis: workflows.ping },
  });
  const boot = southbound
    ? createBootNetwork({ config, foundation, engine, southbound, images, deployments, home })
    : [];
  return [workflows.worker, admin, ...boot].filter(({ name }) => config.roles.includes(name));
}

function createLifecycle(parts: {
  config: Config;
  foundation: Foundation;
  workflows: Workflows;
  images: Images;
  roles: readonly Role[];
}): App {
  const { foundation, workflows, images, roles, config } = parts;
  const { log } = foundation;
  const started: Role[] = [];

  const stop = async (): Promise<boolean> => {
    const last = started.splice(0).reverse();
    const well = await endInOrder(
      [
        // Before the listener drains: whoever sent an image waits for it to be looked through.
        { name: 'images', end: images.stop },
        ...last.map((role) => ({ name: `draining ${role.name}`, end: () => role.drain() })),
        ...last.map((role) => ({ name: role.name, end: () => role.stop() })),
        { name: 'workflows', end: workflows.stop },
        { name: 'member', end: foundation.member.stop },
        { name: 'store', end: foundation.close },
      ],
      log,
    );
    log.info({ event: 'server.stopped' }, 'stopped');
    return well;
  };

  return {
    stop,
    async start() {
      try {
        await foundation.member.start();
        await images.start();
        await workflows.start();
        for (const role of roles) {
          await role.start();
          started.push(role);
        }
      } catch (error) {
        await stop();
        throw error;
      }
      const url = `http://${config.admin.address}:${config.admin.port}`;
      log.info({ event: 'server.started', roles: config.roles, url, store: config.store }, 'ready');
    },
  };
}

async function readVersion(): Promise<string> {
  const text = await readFile(join(home, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
