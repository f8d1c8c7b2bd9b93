import { z } from 'zod';
import { isIpv4 } from './net/address.ts';
import { roleNames } from './model/role.ts';

/**
 * Every option of the server, once: `config sample` is printed from here, and each key is also an environment variable
 * (`admin.port` = RACKWRIGHT_ADMIN_PORT) and a flag (`--admin-port`). Defaults are the safe ones.
 */

const port = z.int('expected a port number, 1 to 65535').min(1).max(65535);
const address = z.string().refine(isIpv4, 'expected an IPv4 address such as 172.31.128.1');
const cidr = z
  .string()
  .regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/, 'expected an IPv4 network such as 172.31.128.0/24')
  .describe('IPv4 network');
const range = z.string().regex(/^\s*[\d.]+\s*-\s*[\d.]+\s*$/, 'expected a range such as 172.31.128.50-172.31.128.199');

const subnet = z.strictObject({
  cidr,
  addresses: z.boolean().default(false).describe('give out addresses here'),
  boot: z.boolean().default(false).describe('give out boot answers here; alone: proxyDHCP'),
  pools: z.array(range).default([]).describe('ranges of addresses to give out'),
  router: address.optional(),
  dns: z.array(address).default([]),
  ntp: z.array(address).default([]),
  domain: z.string().optional(),
  leaseSeconds: z.int().min(60).max(31_536_000).default(3600),
});

export const configSchema = z.strictObject({
  dataDir: z.string().min(1).default('/var/lib/rackwright').describe('database, keys, managed Redis; made if missing'),
  roles: z
    .array(z.enum(roleNames))
    .min(1)
    .default([...roleNames])
    .describe('what this server does'),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
  store: z.enum(['sqlite', 'mongodb']).default('sqlite').describe('where documents are kept'),
  mongodb: z
    .strictObject({
      url: z.string().min(1).default('mongodb://127.0.0.1:27017').meta({ secret: true }),
      database: z.string().min(1).default('rackwright'),
    })
    .prefault({}),
  redis: z
    .strictObject({
      url: z
        .string()
        .min(1)
        .optional()
        .describe('none: the server starts and owns a redis-server')
        .meta({ secret: true }),
    })
    .prefault({}),
  admin: z
    .strictObject({
      address: z.string().min(1).default('127.0.0.1').describe('where the API listens'),
      port: port.default(9090),
      socket: z.string().min(1).optional().describe('a unix socket to listen on besides'),
      tlsPort: port.optional().describe('where the API listens by TLS besides, on the same address; none: nowhere'),
      tlsCert: z
        .string()
        .min(1)
        .optional()
        .describe('PEM file, certificates; none: the server makes one of its own at its first start'),
      tlsKey: z.string().min(1).optional().describe('PEM file, the key of tlsCert'),
      auth: z
        .enum(['loopback', 'none'])
        .default('loopback')
        .describe('loopback: no login, on loopback only; none: no login on any address'),
      hosts: z.array(z.string()).default([]).describe('host names clients may use, besides addresses and localhost'),
    })
    .prefault({}),
  southbound: z
    .strictObject({
      interface: z.string().min(1).optional().describe('the interface that nodes boot from; or set address'),
      address: address.optional().describe("the server's own address there; default: the interface's first"),
      httpPort: port.default(9080),
      proxySocket: z
        .string()
        .min(1)
        .optional()
        .describe('a unix socket to listen on instead, for an nginx that has the port (docs/how-to/nginx.md)'),
      dhcpPort: port.default(67),
      proxyDhcpPort: port.default(4011),
      tftpPort: port.default(69),
      allowOtherServers: z.boolean().default(false).describe('give out addresses though another DHCP server answers'),
      subnets: z.array(subnet).default([]).describe('none: the own network is observed, nothing is answered'),
    })
    .prefault({}),
  loaders: z
    .strictObject({
      dir: z
        .string()
        .min(1)
        .default('/usr/lib/ipxe')
        .describe("undionly.kpxe, snponly.efi, ... (Debian's package ipxe)"),
    })
    .prefault({}),
  microkernel: z
    .strictObject({
      dir: z.string().min(1).default('.cache/microkernel').describe('vmlinuz and initrd.img of the discovery OS'),
      kernelArgs: z.string().default('console=tty0 console=ttyS0,115200n8 quiet').describe('added to its command line'),
    })
    .prefault({}),
  images: z
    .strictObject({
      dir: z.string().min(1).optional().describe('where disk images are kept; default: images in dataDir'),
      maxBytes: z
        .int()
        .min(512)
        .default(64 * 1024 ** 3)
        .describe('bytes that an image may have as it is brought'),
      keepFreeBytes: z
        .int()
        .min(0)
        .default(1024 ** 3)
        .describe('bytes of the file system that images leave free'),
    })
    .prefault({}),
  discovery: z
    .strictObject({
      enabled: z.boolean().default(true).describe('discover unknown machines that ask to boot'),
      graph: z.string().min(1).default('Graph.Discovery.Rackwright'),
      then: z.enum(['stay', 'power-off', 'reboot']).default('stay').describe('what a node does when it is discovered'),
    })
    .prefault({}),
  bmc: z
    .strictObject({
      networks: z.array(cidr).default([]).describe('BMC addresses learned in band are used only inside these'),
      user: z
        .string()
        .regex(/^[a-z_][a-z0-9_-]{0,15}$/, 'expected up to 16 lower-case letters, digits, - and _')
        .default('rackwright')
        .describe('the user that discovery makes on each BMC'),
    })
    .prefault({}),
});

export type Config = z.infer<typeof configSchema>;
export type SubnetConfig = Config['southbound']['subnets'][number];
