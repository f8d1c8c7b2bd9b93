import { createRunCommand } from '../../src/obm/run-command.ts';

const run = createRunCommand();

test('a program is run with its arguments as they are, and with nothing of our environment', async () => {
  process.env.RACKWRIGHT_TEST_SECRET = 'leak';
  const result = await run({
    file: 'sh',
    args: ['-c', 'printf "%s|" "$@"; env', 'sh', '$(id)', 'a b', "'"],
    env: { IPMI_PASSWORD: 'given' },
    timeoutMs: 5_000,
  });
  delete process.env.RACKWRIGHT_TEST_SECRET;
  expect(result).toMatchObject({ kind: 'exited', code: 0, stderr: '' });
  const stdout = result.kind === 'exited' ? result.stdout : '';
  expect(stdout).toContain("$(id)|a b|'|");
  expect(stdout).toContain('IPMI_PASSWORD=given');
  expect(stdout).not.toContain('leak');
});

test('its exit code and what it wrote are told apart', async () => {
  const result = await run({ file: 'sh', args: ['-c', 'echo out; echo err >&2; exit 3'], timeoutMs: 5_000 });
  expect(result).toEqual({ kind: 'exited', code: 3, stdout: 'out\n', stderr: 'err\n' });
});

test('a missing program is an outcome', async () => {
  expect(await run({ file: 'no-such-program', args: [], timeoutMs: 5_000 })).toEqual({ kind: 'missing' });
});

test('at its deadline it is killed, with what it started', async () => {
  const result = await run({ file: 'sh', args: ['-c', 'sleep 600 & echo before >&2; wait'], timeoutMs: 200 });
  expect(result).toEqual({ kind: 'killed', why: 'deadline', stderr: 'before\n' });
});

test('when the caller goes away it is killed', async () => {
  const caller = new AbortController();
  const running = run({ file: 'sleep', args: ['600'], timeoutMs: 60_000, signal: caller.signal });
  caller.abort();
  expect(await running).toMatchObject({ kind: 'killed', why: 'aborted' });
  expect(await run({ file: 'true', args: [], timeoutMs: 60_000, signal: caller.signal })).toMatchObject({
    why: 'aborted',
  });
});

test('what never stops writing is killed', async () => {
  expect(await run({ file: 'yes', args: [], timeoutMs: 60_000 })).toMatchObject({ kind: 'killed', why: 'output' });
});
