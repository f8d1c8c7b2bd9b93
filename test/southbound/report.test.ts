import type { NewFact } from '../../src/model/fact.ts';
import type { Boot } from '../../src/model/records.ts';
import { acceptReport, type AgentReport } from '../../src/southbound/report.ts';
import type { IngestResult, SourceReport } from '../../src/discovery/ingest.ts';
import type { AttemptId, AttemptReport } from '../../src/workflows/engine-interface.ts';
import type { AgentCommand, CommandResult, TaskOutcome } from '../../src/workflows/job.ts';

const dmi: AgentCommand = { command: 'dmidecode', catalog: { source: 'dmi', format: 'auto' } };
const plain: AgentCommand = { command: 'true', acceptedResponseCodes: [0, 3] };
const done = (more: Partial<CommandResult> = {}): CommandResult => ({ code: 0, stdout: 'out', stderr: '', ...more });

/** Reports against one open attempt of node n1 with these commands. */
async function report(
  commands: AgentCommand[],
  results: CommandResult[],
  change: { nodeId?: string; ingest?: string; concludes?: TaskOutcome } = {},
) {
  const ended: AttemptReport[] = [];
  const ingested: string[] = [];
  const facts: NewFact[] = [];
  const deps = {
    engine: {
      attempt: () =>
        Promise.resolve({
          nodeId: change.nodeId ?? 'n1',
          work: { commands },
          conclude: () => change.concludes ?? { ok: true as const },
        }),
      report: (_: AttemptId, outcome: AttemptReport) => {
        ended.push(outcome);
        return Promise.resolve('accepted' as const);
      },
    },
    ingest: ({ source }: SourceReport): Promise<IngestResult> => {
      ingested.push(source);
      return Promise.resolve(change.ingest === undefined ? { ok: true } : { ok: false, reason: change.ingest });
    },
    record: (fact: NewFact) => facts.push(fact),
  };
  const request: AgentReport = {
    boot: { nodeId: 'n1', mac: 'm' } as Boot,
    runId: 'r',
    label: 'l',
    attempt: 1,
    results,
  };
  const answer = await acceptReport(deps, request);
  return { answer, outcome: ended[0], ingested, facts };
}

test('accepted codes end well, catalogs are ingested', async () => {
  expect(await report([dmi, plain], [done(), done({ code: 3 })])).toMatchObject({
    answer: 'accepted',
    outcome: { ok: true },
    ingested: ['dmi'],
    facts: [{ kind: 'agent.report' }],
  });
});

test('what may fail does not fail the task, and is told of', async () => {
  const optional = { ...dmi, ignoreFailure: true };
  const { outcome, facts, ingested } = await report([optional, optional, plain], [done({ code: 9 }), done(), done()]);
  expect(outcome).toMatchObject({ ok: true });
  expect(ingested).toEqual(['dmi']);
  expect(facts[0]?.text).toBe("the agent finished 'l', without 'dmidecode' ended with code 9");
  expect((await report([optional], [done()], { ingest: 'no DMI' })).outcome).toMatchObject({ ok: true });
});

test('but what the end of the agent cut off is to be repeated', async () => {
  const { outcome } = await report([{ ...dmi, ignoreFailure: true }], [done({ code: 125, interrupted: true })]);
  expect(outcome).toMatchObject({ ok: false, interrupted: true });
});

test.each([
  [
    'a code that is not accepted',
    [plain],
    [done({ code: 7, stderr: 'a\nno such disk\n' })],
    "'true' ended with code 7: no such disk",
    [],
  ],
  ['a result that is missing', [plain, dmi], [done()], "'dmidecode' was not run", []],
  [
    'a command that was killed at its deadline',
    [plain],
    [done({ code: 124, timedOut: true })],
    "'true' did not end in time",
    [],
  ],
  [
    'a command that was interrupted',
    [plain],
    [done({ code: 125, interrupted: true })],
    "'true' was interrupted, and may have taken effect",
    [],
  ],
  ['an output that is cut', [dmi], [done({ truncated: true })], "'dmidecode' printed more than a catalog may have", []],
] as const)('%s ends badly, in words', async (_, commands, results, message, ingested) => {
  const ended = await report([...commands], [...results]);
  expect(ended.outcome).toMatchObject({ ok: false, message });
  expect(ended.ingested).toEqual(ingested);
});

test.each<[string, CommandResult[], TaskOutcome, Partial<AttemptReport>]>([
  ['its conclusion goes on', [done()], { ok: true, context: { disk: 'sda' } }, { ok: true, context: { disk: 'sda' } }],
  [
    'so does a bad one, with its reason',
    [done()],
    { ok: false, reason: 'no-disk', message: 'there is no disk' },
    { ok: false, reason: 'no-disk', message: 'there is no disk' },
  ],
  [
    'what went wrong is not concluded from',
    [done({ code: 1 })],
    { ok: true, context: { disk: 'sda' } },
    { ok: false, message: "'true' ended with code 1" },
  ],
  [
    'an interruption is told as one',
    [done({ code: 125, interrupted: true })],
    { ok: true },
    { ok: false, interrupted: true },
  ],
])('what the outputs mean is for the task to say: %s', async (_, results, concludes, expected) => {
  const { outcome } = await report([plain], results, { concludes });
  expect(outcome).toMatchObject(expected);
  expect(outcome?.context).toEqual(expected.context);
});

test('one bad catalog does not keep the others out', async () => {
  const ended = await report([dmi, { ...dmi, catalog: { source: 'lshw', format: 'auto' } }], [done(), done()], {
    ingest: 'garbage',
  });
  expect(ended.ingested).toEqual(['dmi', 'lshw']);
  expect(ended.outcome?.message).toBe('catalog dmi: garbage; catalog lshw: garbage');
});

test("another node's attempt is stale, and a fact", async () => {
  const ended = await report([dmi], [done()], { nodeId: 'n2' });
  expect(ended).toMatchObject({
    answer: 'stale',
    outcome: undefined,
    ingested: [],
    facts: [{ kind: 'agent.refused' }],
  });
});
