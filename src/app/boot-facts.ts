import type { AskBoot } from '../boot/client.ts';
import { bootOffer } from '../boot/offer.ts';
import { chooseTarget, type BootTarget } from '../boot/target.ts';
import type { Config } from '../config-schema.ts';
import { confirmNode } from '../discovery/confirm.ts';
import { findNode } from '../discovery/enrol.ts';
import type { Log } from '../log.ts';
import { nodeStates } from '../model/node-states.ts';
import type { Node } from '../model/node.ts';
import type { Mac } from '../net/mac.ts';
import type { Store } from '../store/collections.ts';
import type { Engine } from '../workflows/engine-interface.ts';

interface BootFactsDeps {
  readonly config: Config;
  readonly store: Store;
  readonly engine: Pick<Engine, 'bootProfileFor' | 'start' | 'activeRun'>;
  readonly log: Log;
}

/** Gathers what the boot decision rests on, and does what follows from it: for DHCP and the southbound routes. */
export interface BootFactsSource {
  readonly askBoot: AskBoot;
  target(node: Node | undefined): Promise<BootTarget>;
  startDiscovery(node: Node): Promise<void>;
  confirmNode(nodeId: string, seen: { macs: readonly Mac[]; uuid?: string | undefined }): Promise<void>;
}

export function createBootFacts({ config, store, engine, log }: BootFactsDeps): BootFactsSource {
  const target = async (node: Node | undefined): Promise<BootTarget> =>
    chooseTarget({
      node: node && { state: node.state.name },
      profile: node && (await engine.bootProfileFor(node.id)),
      discoveryEnabled: config.discovery.enabled,
    });

  return {
    target,

    askBoot: async (client) => {
      const node = await findNode(store, client.mac, client.uuid);
      const server = { address: client.serverAddress, httpPort: config.southbound.httpPort };
      return bootOffer(client, await target(node), server);
    },

    async startDiscovery(node) {
      const discovers = nodeStates[node.state.name].boots === 'discovery';
      if (!discovers || (await engine.activeRun(node.id))) return;
      const { graph } = config.discovery;
      const started = await engine.start({ graph, nodeId: node.id });
      // `busy`: another request of the same boot was faster.
      if (!started.ok && started.reason !== 'busy') {
        log.error({ event: 'discovery.not-started', nodeId: node.id, graph }, started.message);
      }
    },

    confirmNode: (nodeId, seen) => confirmNode(store, nodeId, seen),
  };
}
