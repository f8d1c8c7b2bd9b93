import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { describeError, InputError } from '../../errors.ts';
import { createClient } from '../client.ts';
import { followOperation, nodeOf, operationSchema } from '../follow-operation.ts';
import { printable, toStandardOutput, withServer, type ServerOption, type WriteLine } from '../server-option.ts';

interface DeployOptions extends ServerOption {
  readonly image: string;
  readonly hostname?: string;
  readonly domain?: string;
  readonly user?: string;
  readonly key: readonly string[];
  readonly userData?: string;
  readonly disk: readonly string[];
  readonly seed?: string;
  readonly wait?: true;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/** `rackwright deploy NODE --image NAME ...`. */
export function deployCommand(write: WriteLine = toStandardOutput): Command {
  return withServer(new Command('deploy'))
    .description("put an operating system on a node's disk, and boot it; the disk is overwritten")
    .argument('<node>', "the node's id, name, serial number, MAC or address")
    .requiredOption('--image <image>', 'name or id of an image (rackwright images list)')
    .option('--hostname <name>', "the system's host name; the node's name if absent")
    .option('--domain <domain>', 'what comes after the host name')
    .option('--user <name>', 'the user that the keys are for; admin if absent')
    .option('--key <file>', 'a file with public ssh keys; may be given again', collect, [])
    .option('--user-data <file>', "cloud-init's user data")
    .option('--disk <hint=value>', 'which disk: serial, wwn, size, type, path or name; may be given again', collect, [])
    .option('--seed <where>', 'where cloud-init finds its seed: disk or network')
    .option('--wait', 'follow it to its end; fails if the deploy does')
    .action(async (node: string, options: DeployOptions) => {
      const client = createClient(options.server);
      const body = await deployBody(options);
      const { id, name } = await nodeOf(client, node);
      const operation = operationSchema.parse(await client.post(`/nodes/${id}/deploy`, body));
      write(printable(`${options.image} goes to ${name} (${id}) by operation ${operation.id}`));
      if (options.wait) await followOperation(client, operation, write);
    });
}

/** `rackwright release NODE`. */
export function releaseCommand(write: WriteLine = toStandardOutput): Command {
  return withServer(new Command('release'))
    .description('take a node back: what its disks say of their contents is erased, and it is available again')
    .argument('<node>', "the node's id, name, serial number, MAC or address")
    .option('--wait', 'follow it to its end; fails if the release does')
    .action(async (node: string, { server, wait }: ServerOption & { wait?: true }) => {
      const client = createClient(server);
      const { id, name } = await nodeOf(client, node);
      const operation = operationSchema.parse(await client.post(`/nodes/${id}/release`, {}));
      write(printable(`${name} (${id}) is released by operation ${operation.id}`));
      if (wait) await followOperation(client, operation, write);
    });
}

async function deployBody(options: DeployOptions): Promise<Record<string, unknown>> {
  const { image, hostname, domain, user, seed, key, userData, disk } = options;
  const keys = (await Promise.all(key.map((file) => readText('--key', file)))).flatMap((text) =>
    text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')),
  );
  const given = {
    ...{ image, hostname, domain, user, seed },
    keys: keys.length === 0 ? undefined : keys,
    userData: userData === undefined ? undefined : await readText('--user-data', userData),
    disk: disk.length === 0 ? undefined : Object.fromEntries(disk.map(parseHint)),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function parseHint(text: string): [string, string] {
  const [, name, value] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InputError('--disk', `expected one such as serial=S3Z8NB0K or size=480GB, got '${text}'`);
  }
  return [name, value];
}

async function readText(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new InputError(option, `${file} cannot be read: ${describeError(cause)}`, { cause });
  }
}
