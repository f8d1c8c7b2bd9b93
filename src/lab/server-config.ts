import { stringify } from 'yaml';
import { bmcNetwork, provisioning } from './identity.ts';
import type { LabPaths } from './state.ts';

export interface ServerSettings {
  readonly paths: LabPaths;
  readonly adminPort: number;
  readonly microkernelDir: string;
  /** Set: documents are kept in MongoDB, reached through the lab's forwarder; its path may name the database. */
  readonly mongodbUrl?: string;
}

/** The configuration file of a lab's server. Inside the namespace it may answer: nobody else is there. */
export function serverConfig(settings: ServerSettings): string {
  const { paths, mongodbUrl } = settings;
  return stringify({
    dataDir: paths.data,
    store: mongodbUrl === undefined ? 'sqlite' : 'mongodb',
    ...(mongodbUrl === undefined ? {} : { mongodb: mongodbSection(mongodbUrl, paths.mongodb) }),
    admin: { address: '127.0.0.1', port: settings.adminPort, socket: paths.admin },
    southbound: {
      address: provisioning.address,
      // Nobody else is there, so that a start need not look for others.
      allowOtherServers: true,
      subnets: [
        {
          cidr: provisioning.cidr,
          addresses: true,
          boot: true,
          pools: [provisioning.pool],
          router: provisioning.address,
        },
      ],
    },
    bmc: { networks: [bmcNetwork.cidr] },
    microkernel: { dir: settings.microkernelDir },
    loaders: { dir: '/usr/lib/ipxe' },
  });
}

/** The database that the URL's path names, if it names one. */
function mongodbSection(url: string, socket: string): { readonly url: string; readonly database?: string } {
  const database = new URL(url).pathname.slice(1);
  return { url: socketUrl(url, socket), ...(database === '' ? {} : { database }) };
}

/**
 * The same database by way of a unix socket, written as the MongoDB drivers want it (connection string specification,
 * "Unix domain sockets": percent-encoded). Direct, since other members' names mean nothing inside the namespace.
 */
export function socketUrl(url: string, socket: string): string {
  const rewritten = new URL(url);
  rewritten.searchParams.set('directConnection', 'true');
  const login = rewritten.username === '' ? '' : `${rewritten.username}:${rewritten.password}@`;
  const path = rewritten.pathname === '' ? '/' : rewritten.pathname;
  return `mongodb://${login}${encodeURIComponent(socket)}${path}${rewritten.search}`;
}
