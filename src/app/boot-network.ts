import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config-schema.ts';
import { southboundUrl } from '../boot/offer.ts';
import { createDhcpServer } from '../dhcp/server.ts';
import type { Deployments } from '../deployment/deployments.ts';
import { enrol, findNode } from '../discovery/enrol.ts';
import { createIngest } from '../discovery/ingest.ts';
import { createFileSenders } from '../http/file-senders.ts';
import { createSendFile, type SendFile } from '../http/files.ts';
import { createListener } from '../http/listener.ts';
import type { Images } from '../images/images.ts';
import type { Log } from '../log.ts';
import type { Role } from '../model/role.ts';
import { networkContains } from '../net/address.ts';
import { createSouthbound } from '../southbound/app.ts';
import { createBoots } from '../southbound/boots.ts';
import { createEnrolmentLimit } from '../southbound/enrolments.ts';
import { foreignPeer } from '../southbound/script-peer.ts';
import { createFileOpener } from '../tftp/root.ts';
import { createTftpServer } from '../tftp/server.ts';
import type { Engine } from '../workflows/engine-interface.ts';
import { createBootFacts, type BootFactsSource } from './boot-facts.ts';
import type { Foundation } from './foundation.ts';
import { isSouthboundPeer, type Southbound } from './network.ts';
import { listenerRole, repeating, type Companion } from './roles.ts';

interface BootNetworkDeps {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly engine: Engine;
  readonly southbound: Southbound;
  readonly images: Pick<Images, 'blobPath'>;
  readonly deployments: Deployments;
  /** The folder that holds `microkernel/` and `definitions/`. */
  readonly home: string;
}

/** The roles that nodes see: DHCP, TFTP, southbound HTTP. All ask the same boot decision. */
export function createBootNetwork(deps: BootNetworkDeps): Role[] {
  const { config, foundation, engine, southbound } = deps;
  const { store, log } = foundation;
  const bootFacts = createBootFacts({ config, store, engine, log });
  const { address } = southbound.local;
  const dhcp = createDhcpServer({
    subnets: southbound.subnets,
    serverAddress: address,
    ports: { server: config.southbound.dhcpPort, client: 68, proxy: config.southbound.proxyDhcpPort },
    store,
    bootAnswer: bootFacts.askBoot,
    record: foundation.facts.record,
    log,
    now: foundation.now,
    allowOtherServers: config.southbound.allowOtherServers,
    deployment: config.store === 'mongodb' ? config.mongodb.database : foundation.dataDir,
  });
  const tftp = createTftpServer({
    address,
    port: config.southbound.tftpPort,
    open: createFileOpener(config.loaders.dir),
    admit: (peer) => isSouthboundPeer(southbound, peer),
    record: foundation.facts.record,
    log,
  });
  return [createSouthboundRole(deps, bootFacts), tftp, dhcp];
}

function createSouthboundRole(deps: BootNetworkDeps, bootFacts: BootFactsSource): Role {
  const { config, foundation, southbound, engine, images, deployments, home } = deps;
  const { store, log, now, facts } = foundation;
  const { record } = facts;
  const boots = createBoots({ store, now });
  const draining = new AbortController();
  const { address } = southbound.local;
  const { proxySocket } = config.southbound;
  const admit = (peer: string): boolean => isSouthboundPeer(southbound, peer);
  const limits = { requestMs: 0, connections: 4096 };
  const files = createFiles(proxySocket !== undefined, log);
  const handler = createSouthbound(
    {
      boots,
      engine,
      ...bootFacts,
      findNode: (mac, uuid) => findNode(store, mac, uuid),
      enrol: (sighting) => enrol(sighting, { store, record, now }),
      foreignPeer: (mac, peer) => scriptRefusal(deps, mac, peer),
      enrolments: createEnrolmentLimit(now),
      ingest: createIngest({ store, record }),
      record,
      log,
      url: southboundUrl({ address, httpPort: config.southbound.httpPort }),
      kernelArgs: config.microkernel.kernelArgs,
      deployments,
      imagePath: images.blobPath,
      now,
      sendFile: files.sendFile,
      fileRoots: { loaders: config.loaders.dir, microkernel: config.microkernel.dir },
      clock: () => performance.now(),
      agentScript: join(home, 'microkernel/agent.sh'),
    },
    { draining: draining.signal, ...(proxySocket !== undefined && { behindProxy: { admit } }) },
  );
  const listener = createListener({
    name: 'southbound',
    handler,
    // A machine has a handful of connections: one that opens all it can must not keep the others out.
    ...(proxySocket === undefined
      ? {
          addresses: [{ address, port: config.southbound.httpPort }],
          admit,
          limits: { ...limits, connectionsPerPeer: 64 },
        }
      : { addresses: [{ socketPath: proxySocket }], limits: { ...limits, connectionsPerPeer: limits.connections } }),
    log,
  });
  const sweep = repeating(60_000, () => boots.sweep(), log);
  return listenerRole({ name: 'southbound', listener, draining, beside: [...files.beside, sweep] });
}

/** Behind a proxy files are its affair; else processes of our own send what is large. */
function createFiles(proxied: boolean, log: Log): { sendFile: SendFile; beside: readonly Companion[] } {
  if (proxied) return { sendFile: createSendFile({ proxied, log }), beside: [] };
  const senders = createFileSenders({ processes: Math.min(4, availableParallelism()), log });
  return { sendFile: createSendFile({ senders, log }), beside: [senders] };
}

/** Why a peer may not have a MAC's script, by the leases in the store and the subnets of this server. */
async function scriptRefusal(
  { foundation: { store, now }, southbound }: BootNetworkDeps,
  mac: string,
  peer: string,
): Promise<string | undefined> {
  const { items: leases } = await store.leases.find({ where: { mac } });
  const ours = southbound.subnets.some(({ network, addresses }) => addresses && networkContains(network, peer));
  return foreignPeer({ mac, peer, leases, ours, now: now() });
}
