import { rm } from 'node:fs/promises';
import { InputError, RackwrightError } from '../errors.ts';
import { run, runOk } from './run.ts';
import { waitFor } from './wait.ts';

/** A key pair by its private file, and the line of authorized_keys that lets it in. */
export interface SshKey {
  readonly file: string;
  readonly publicLine: string;
}

/** Makes a key pair, or finds it. */
export async function ownKey(file: string): Promise<SshKey> {
  const found = await publicLine(file).catch(() => undefined);
  if (found !== undefined) return { file, publicLine: found };
  await rm(file, { force: true });
  await runOk(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'rackwright-lab', '-f', file]);
  return { file, publicLine: await publicLine(file) };
}

/** A key pair that is there. Throws an InputError where the file holds no private key, or one with a passphrase. */
export async function givenKey(file: string): Promise<SshKey> {
  const line = await publicLine(file).catch((cause: unknown) => {
    if (cause instanceof RackwrightError && cause.code === 'missing-program') throw cause;
    throw new InputError('key', `expected a file with a private key that needs no passphrase, got ${file}`, { cause });
  });
  return { file, publicLine: line };
}

async function publicLine(file: string): Promise<string> {
  return (await runOk(['ssh-keygen', '-y', '-P', '', '-f', file])).trim();
}

/** Who logs in where, with which key. */
export interface SshTarget {
  readonly user: string;
  readonly address: string;
  readonly keyFile: string;
}

/** The command that runs `command` there. Host keys are not checked: every deploy makes new ones. */
export function sshCommand({ user, address, keyFile }: SshTarget, command: readonly string[]): string[] {
  const options = {
    BatchMode: 'yes',
    IdentitiesOnly: 'yes',
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    LogLevel: 'ERROR',
    ConnectTimeout: '10',
  };
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['ssh', '-i', keyFile, ...words, `${user}@${address}`, ...command];
}

/**
 * Runs a command there, as soon as a login works; gives its output. Throws code `deadline` with ssh's own words where it
 * does not within `deadlineMs`. `enter`: arguments in front that make it run inside the lab.
 */
export async function logIn(
  target: SshTarget,
  command: readonly string[],
  { enter, deadlineMs }: { readonly enter: readonly string[]; readonly deadlineMs: number },
): Promise<string> {
  let said = '';
  const attempt = async (): Promise<string | undefined> => {
    const result = await run([...enter, ...sshCommand(target, command)], { deadlineMs: 60_000 });
    said = result.stderr.trim();
    return result.code === 0 ? result.stdout : undefined;
  };
  return await waitFor('login by ssh', attempt, { deadlineMs, stepMs: 500 }).catch((cause: unknown) => {
    const words = said === '' ? '' : `: ${said}`;
    throw new RackwrightError('deadline', `no login by ssh as ${target.user}@${target.address}${words}`, { cause });
  });
}
