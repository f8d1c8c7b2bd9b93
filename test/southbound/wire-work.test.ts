import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { wireWork, workScript, type WireWork } from '../../src/southbound/wire-work.ts';

const work: WireWork = { attempt: 'r/l/1', commands: [], environment: {}, timeoutSeconds: 60 };

/** What a real shell makes of it: the variables named, each followed by a NUL. */
function sourced(script: string, names: readonly string[]): string[] {
  const printing = names.map((name) => `printf '%s\\0' "$${name}"`).join('\n');
  const out = execFileSync('dash', ['-c', `${script}\n${printing}`], { encoding: 'utf8' });
  return out.split('\0').slice(0, -1);
}

test('a shell gets what the work says, and runs nothing of it', () => {
  const nasty = fc.string({ unit: fc.constantFrom("'", '"', '$', '`', '\\', '\n', '(', ')', ';', ' ', '#', 'a', 'ü') });
  fc.assert(
    fc.property(fc.array(nasty, { minLength: 1, maxLength: 20 }), (texts) => {
      const commands = texts.map((command) => ({ command }));
      const names = texts.map((_, index) => `command_${index}`);
      expect(sourced(workScript({ ...work, commands }), names)).toEqual(texts);
    }),
    { numRuns: 30 },
  );
});

test('the environment is given as commands, without names that are none', () => {
  const environment = { GREETING: `it's "so" $HOME`, 'no name': '1', _A1: '2', 'A;reboot': '3' };
  const [exported = ''] = sourced(workScript({ ...work, environment }), ['environment']);
  expect(sourced(exported, ['GREETING', '_A1'])).toEqual([`it's "so" $HOME`, '2']);
  expect(exported).not.toMatch(/reboot|no name/);
});

test('deadlines and codes are those of each command, or of the task', () => {
  const commands = [
    { command: 'a' },
    { command: 'b', timeoutSeconds: 0.5, acceptedResponseCodes: [0, 3] },
    { command: 'c', timeoutSeconds: 3600, ignoreFailure: true },
  ];
  const names = ['seconds_0', 'accepted_0', 'seconds_1', 'accepted_1', 'seconds_2', 'accepted_2', 'stop', 'count'];
  const script = workScript({ ...work, commands, stopOnError: true });
  expect(sourced(script, names)).toEqual(['60', ' 0 ', '1', ' 0 3 ', '60', 'any', 'yes', '3']);
});

test('a NUL, which no shell can hold, is left out', () => {
  const script = workScript({ ...work, commands: [{ command: 'a\0b' }] });
  expect(sourced(script, ['command_0'])).toEqual(['ab']);
});

test('what the server alone is to know does not leave it', () => {
  const command = { command: 'x', title: 'a title', catalog: { source: 'dmi', format: 'auto' as const } };
  const item = { runId: 'r', label: 'a/b', attempt: 2, commands: [command], environment: {}, timeoutSeconds: 60 };
  const sent = JSON.parse(JSON.stringify(wireWork(item))) as unknown;
  expect(sent).toEqual({ attempt: 'r/a%2Fb/2', commands: [{ command: 'x' }], environment: {}, timeoutSeconds: 60 });
});
