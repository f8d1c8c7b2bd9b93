import fc from 'fast-check';
import { finishedStates } from '../../src/model/graph.ts';
import type { ResolvedGraph, ResolvedTask, Run } from '../../src/model/run.ts';
import { advance, type RunSignal } from '../../src/workflows/advance.ts';
import { due } from '../../src/workflows/due.ts';
import { newRun } from '../../src/workflows/new-run.ts';
import { without } from '../../src/workflows/step.ts';
import { hasEnded } from '../../src/workflows/waits.ts';
import { graph, task } from './graphs.ts';

/** Random graphs without circles: a task waits on earlier ones only. */
const states = fc.constantFrom('succeeded' as const, 'failed' as const, 'finished' as const, 'timeout' as const);
const condition = fc.oneof(states, fc.uniqueArray(states, { minLength: 1, maxLength: 2 }));
const taskShape = fc.record({
  waits: fc.array(fc.tuple(fc.nat(), condition), { maxLength: 3 }),
  anyOf: fc.boolean(),
  ignoreFailure: fc.boolean(),
  kind: fc.constantFrom('effect', 'session', 'report'),
  onInterrupt: fc.constantFrom('repeat' as const, 'verify' as const, 'fail' as const),
});
const graphs: fc.Arbitrary<ResolvedGraph> = fc.array(taskShape, { minLength: 1, maxLength: 6 }).map((shapes) =>
  graph(
    shapes.map(({ waits, anyOf, kind, ignoreFailure, onInterrupt }, index): ResolvedTask => {
      const on = index === 0 ? {} : Object.fromEntries(waits.map(([n, wanted]) => [`t${n % index}`, wanted]));
      const waitOn = anyOf && Object.keys(on).length > 0 ? { anyOf: on } : on;
      const wait = kind === 'effect' ? {} : { mode: 'wait' as const, awaits: kind };
      return task(`t${index}`, { waitOn, ignoreFailure, onInterrupt, ...wait });
    }),
    { nodeEvents: 'discover' },
  ),
);

const label = fc.nat(5).map((n) => `t${n}`);
const attempt = fc.integer({ min: 1, max: 3 });
const member = fc.constantFrom('m1', 'm2');
const outcome = fc.boolean().map((ok) => (ok ? ({ ok } as const) : ({ ok, reason: 'x', message: 'y' } as const)));
const at = fc.nat(200_000).map((ms) => new Date(Date.parse('2026-01-01T00:00:00.000Z') + ms).toISOString());
const id = fc.nat(8).map((n) => `s${n}`);
const signals: fc.Arbitrary<RunSignal> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('claim' as const), label, attempt, member, until: at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const), label, attempt, member, until: at }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), label, attempt, member, outcome }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('claim-expired' as const, 'deadline' as const), label, attempt }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('taken' as const), label, attempt, bootId: id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('session' as const), id, bootId: id, at }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('report' as const), id, label, attempt, ok: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('published' as const), upTo: fc.nat(40) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('cancel' as const), id: fc.constant('c'), reason: fc.constant('r') }),
  },
);
const script = fc.array(fc.tuple(signals, fc.nat(20_000)), { maxLength: 60 });

function begin(of: ResolvedGraph): Run {
  const now = new Date('2026-01-01T00:00:00.000Z');
  const run = newRun({ graph: of, definitionId: 'd', nodeId: 'n', context: {}, now });
  return advance(run, of, { kind: 'start' }, now).run ?? run;
}

/** Every run of the script: what was before each signal and after it, with all that was ever told. */
function* follow(of: ResolvedGraph, steps: readonly (readonly [RunSignal, number])[]) {
  let run = begin(of);
  let clock = Date.parse(run.createdAt);
  for (const [signal, pause] of steps) {
    clock += pause;
    const result = advance(run, of, signal, new Date(clock));
    yield { before: run, after: result.run ?? run, refused: result.refused, now: new Date(clock), signal };
    run = result.run ?? run;
  }
}

/** Does what is due until nothing is, as the engine would with workers that always succeed and an agent that is there. */
function drain(of: ResolvedGraph, run: Run, from: Date): Run {
  let current = run;
  let clock = from.getTime();
  for (let round = 0; round < 500; round += 1) {
    const signal = nextSignal(current, of, new Date(clock), round);
    if (!signal) return current;
    if (signal === 'wait') clock += 30_000;
    else current = advance(current, of, signal, new Date(clock)).run ?? current;
  }
  throw new Error('the run never comes to rest');
}

function nextSignal(run: Run, of: ResolvedGraph, now: Date, round: number): RunSignal | 'wait' | undefined {
  const actions = due(run, now);
  for (const action of actions) {
    if (action.kind === 'publish') return { kind: 'published', upTo: action.upTo };
    if (action.kind === 'claim-expired' || action.kind === 'deadline') return action;
    if (action.kind === 'dispatch') {
      const until = new Date(now.getTime() + 30_000).toISOString();
      return { ...action, kind: 'claim', member: 'm9', until };
    }
  }
  for (const [name, { state, attempt: n, claim }] of Object.entries(run.tasks)) {
    if (state === 'claimed' && claim?.member === 'm9') {
      return { kind: 'finish', label: name, attempt: n, member: 'm9', outcome: { ok: true } };
    }
    if (state !== 'waiting') continue;
    const awaits = of.tasks.find((resolved) => resolved.label === name)?.awaits;
    if (awaits === 'report') return { kind: 'report', id: `drain/${name}/${n}`, label: name, attempt: n, ok: true };
    return { kind: 'session', id: `drain/${round}`, bootId: `drain${round}`, at: '2027-01-01T00:00:00.000Z' };
  }
  return actions.some(({ kind }) => kind === 'wake') ? 'wait' : undefined;
}

describe('advance, whatever comes in whatever order', () => {
  it('keeps ended tasks and ended runs as they are', () => {
    fc.assert(
      fc.property(graphs, script, (of, steps) => {
        for (const { before, after } of follow(of, steps)) {
          if (before.state !== 'running') expect(after.state).toBe(before.state);
          for (const [name, was] of Object.entries(before.tasks)) {
            if (!hasEnded(was.state)) continue;
            // Only the claim of a worker that has not let go yet may still go.
            expect(without(after.tasks[name]!, 'claim')).toEqual(without(was, 'claim'));
          }
        }
      }),
    );
  });

  it('lets one member at a time have an attempt, and ends each task once', () => {
    fc.assert(
      fc.property(graphs, script, (of, steps) => {
        const told = new Map<string, number>();
        for (const { before, after } of follow(of, steps)) {
          for (const [name, is] of Object.entries(after.tasks)) {
            const was = before.tasks[name]!;
            expect(is.attempt).toBeGreaterThanOrEqual(was.attempt);
            if (was.claim && is.claim && was.attempt === is.attempt) expect(is.claim.member).toBe(was.claim.member);
          }
          const seen = new Set(before.outbox.map((item) => item.id));
          for (const item of after.outbox) {
            if (seen.has(item.id) || item.kind !== 'fact' || item.fact.kind !== 'run.task') continue;
            const { label: name, state } = item.fact.data as { label: string; state: string };
            if (!(finishedStates as readonly string[]).includes(state)) continue;
            told.set(name, (told.get(name) ?? 0) + 1);
          }
        }
        expect([...told.values()].every((times) => times === 1)).toBe(true);
      }),
    );
  });

  it('a stored signal that is consumed again changes nothing', () => {
    fc.assert(
      fc.property(graphs, script, (of, steps) => {
        for (const { after, refused, signal, now } of follow(of, steps)) {
          if (refused || !('id' in signal)) continue;
          expect(advance(after, of, signal, now)).toEqual({ refused: 'repeated' });
        }
      }),
    );
  });

  it('numbers what it makes known without gaps, and begins and ends once', () => {
    fc.assert(
      fc.property(graphs, script, (of, steps) => {
        const run = begin(of);
        const items = new Map(run.outbox.map((item) => [item.seq, item]));
        for (const { after } of follow(of, steps)) {
          for (const item of after.outbox) items.set(item.seq, item);
          expect([...items.keys()].sort((a, b) => a - b)).toEqual(
            Array.from({ length: after.outboxSeq }, (_, i) => i + 1),
          );
        }
        const events = [...items.values()].flatMap((item) => (item.kind === 'node-event' ? [item.event] : []));
        expect(events.length).toBeLessThanOrEqual(2);
        expect(events[0]).toBe('discover');
      }),
    );
  });

  it('comes to rest: ended, published, its node let go, nothing due', () => {
    fc.assert(
      fc.property(graphs, script, (of, steps) => {
        let last = { after: begin(of), now: new Date('2026-01-01T00:00:00.000Z') };
        for (const step of follow(of, steps)) last = step;
        const end = drain(of, last.after, last.now);
        expect(end.state).not.toBe('running');
        expect(Object.values(end.tasks).every(({ state, claim }) => hasEnded(state) && !claim)).toBe(true);
        expect(end).toMatchObject({ sweepKey: 'done', activeKey: end.instanceId, outbox: [] });
        expect(due(end, new Date('2030-01-01T00:00:00.000Z'))).toEqual([]);
      }),
    );
  });
});
