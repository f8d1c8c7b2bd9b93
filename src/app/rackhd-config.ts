import { netmask, broadcastAddress } from '../net/address.ts';
import type { Config } from '../config-schema.ts';
import type { Southbound } from './network.ts';

/**
 * The configuration by RackHD's key names, for `/api/2.0/config`. RackHD answers its whole environment, secrets included;
 * here are the keys that its clients read, and no secret is among them.
 */
export function rackhdConfig(config: Config, southbound: Southbound | undefined): Readonly<Record<string, unknown>> {
  const { admin } = config;
  const own = southbound?.subnets.find(({ network }) => network.cidr === southbound.local.network.cidr)?.network;
  const network = own ?? southbound?.local.network;
  const endpoint = { httpsEnabled: false, proxiesEnabled: false, authEnabled: false };
  return {
    PATH: '',
    amqp: '',
    apiServerAddress: southbound?.local.address ?? admin.address,
    apiServerPort: config.southbound.httpPort,
    broadcastaddr: network ? broadcastAddress(network) : '',
    subnetmask: network ? netmask(network) : '',
    dhcpGateway: southbound?.subnets[0]?.router ?? '',
    discoveryGraph: config.discovery.graph,
    autoCreateObm: 'true',
    httpEndpoints: [
      { ...endpoint, address: admin.address, port: admin.port, routers: 'northbound-api-router' },
      {
        ...endpoint,
        address: southbound?.local.address ?? '',
        port: config.southbound.httpPort,
        routers: 'southbound-api-router',
      },
    ],
    mongo: config.store === 'mongodb' ? config.mongodb.database : '',
  };
}
