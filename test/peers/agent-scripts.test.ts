import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { agentScript } from '../../src/workflows/tasks/agent-script.ts';

const scripts = ['agent.sh', 'init', 'build', 'udhcpc.script', 'bin/ohai', 'bin/drive-id'].map(
  (name) => `microkernel/${name}`,
);

const run = (program: string, args: string[]) => {
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error) throw new Error(`no ${program}: apt-get install ${program}`, { cause: error });
  return { status, output: stdout + stderr };
};

describe('the scripts that tasks hand to the agent', () => {
  test.each(['list-disks', 'write-image', 'finish-disk', 'erase-metadata'] as const)('%s passes shellcheck', (name) => {
    const { stdout } = spawnSync('shellcheck', ['--shell=sh', '-'], { input: agentScript(name), encoding: 'utf8' });
    expect(stdout).toBe('');
  });

  test('what a new system runs to call home passes it too', () => {
    expect(run('shellcheck', ['--shell=sh', 'src/deployment/phone-home.sh'])).toEqual({ status: 0, output: '' });
  });
});

describe('the scripts of the discovery OS', () => {
  test.each(scripts)('%s passes shellcheck', (script) => {
    expect(run('shellcheck', ['--shell=sh', script])).toEqual({ status: 0, output: '' });
  });

  test.each(scripts)('%s is read by dash, the shell that runs it', (script) => {
    expect(run('dash', ['-n', script])).toEqual({ status: 0, output: '' });
  });

  test('the agent stays short enough to be read in one go', () => {
    expect(readFileSync('microkernel/agent.sh', 'utf8').trimEnd().split('\n').length).toBeLessThan(200);
  });

  test('both inventory scripts print JSON on this machine', () => {
    const ohai = JSON.parse(run('microkernel/bin/ohai', []).output) as {
      cpu: { total: number };
      memory: { total: string };
    };
    const drives: unknown = JSON.parse(run('microkernel/bin/drive-id', []).output);

    expect(ohai.cpu.total).toBeGreaterThan(0);
    expect(ohai.memory.total).toMatch(/^\d+kB$/);
    expect(Array.isArray(drives)).toBe(true);
  });
});
