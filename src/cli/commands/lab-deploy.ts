import { join, resolve } from 'node:path';
import type { Option } from 'commander';
import { Command } from 'commander';
import { RackwrightError } from '../../errors.ts';
import { labStatus } from '../../lab/attach.ts';
import type { DeployResult } from '../../lab/deploy.ts';
import { deployNode } from '../../lab/deploy.ts';
import { deployView } from '../../lab/deploy-screen.ts';
import { createPainter } from '../../lab/painter.ts';
import { createServerApi } from '../../lab/server-api.ts';
import { sshCommand } from '../../lab/ssh.ts';
import { printable } from '../server-option.ts';
import { wholeNumber } from '../whole-number.ts';

interface DeployFlags {
  readonly name: string;
  readonly node: number;
  readonly image: string;
  readonly key?: string;
  readonly deadline: number;
  readonly json: boolean;
}

/** `rackwright lab deploy`; `projectRoot` is where `make image` puts its image. */
export function labDeployCommand(
  projectRoot: string,
  options: { readonly name: () => Option; readonly json: () => Option },
): Command {
  const path = (text: string): string => resolve(text);
  return new Command('deploy')
    .description("put an operating system on a node of the lab, and log in there; the node's first disk is overwritten")
    .addOption(options.name())
    .option('--node <number>', 'which node', wholeNumber('node', 1), 1)
    .option('--image <file>', 'disk image', path, join(projectRoot, '.cache/image/debian-12.raw.zst'))
    .option('--key <file>', "private ssh key; the lab's own if absent", path)
    .option('--deadline <seconds>', 'until the system must have called home', wholeNumber('deadline', 1), 900)
    .addOption(options.json())
    .action(async (flags: DeployFlags) => {
      const { name, node, image, key, json } = flags;
      const status = await labStatus(name);
      if (status.url === undefined) throw new RackwrightError('server', `lab '${name}' runs no server`);
      const result = await deployNode(
        { node, image, ...(key === undefined ? {} : { key }) },
        {
          status,
          api: createServerApi(status.url),
          // With --json standard output carries the result alone.
          painter: createPainter(json ? process.stderr : process.stdout, deployView),
          now: () => new Date(),
          deadlineMs: flags.deadline * 1000,
        },
      );
      console.log(json ? JSON.stringify(result, null, 2) : printable(summary(result, name)));
    });
}

function summary({ target, system, hostname }: DeployResult, name: string): string {
  const lab = name === 'lab' ? '' : ` --name ${name}`;
  return [
    '',
    `${hostname} runs at ${target.address}. It answered a login by ssh:`,
    `  ${system.hostname}`,
    `  ${system.kernel}`,
    `Log in: rackwright lab exec${lab} -- ${sshCommand(target, []).join(' ')}`,
  ].join('\n');
}
