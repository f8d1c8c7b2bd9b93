import { agentTask, bootstrapTask, callbackTask, graph, play, task } from './graphs.ts';

describe('waiting for other tasks', () => {
  it('begins what waits on nothing, and the rest in its turn', () => {
    const run = play(graph([task('a'), task('b', { waitOn: { a: 'succeeded' } })]));
    expect(run.states()).toEqual({ a: 'dispatched', b: 'pending' });
    run.runTask('a');
    expect(run.states()).toEqual({ a: 'succeeded', b: 'dispatched' });
    run.runTask('b');
    expect(run.run).toMatchObject({ state: 'succeeded', sweepKey: 'active', activeKey: 'n1' });
  });

  it.each([
    ['finished', { a: 'finished' as const }, 'fail' as const, 'dispatched'],
    ['a list', { a: ['failed' as const, 'timeout' as const] }, 'fail' as const, 'dispatched'],
    ['the other state', { a: 'succeeded' as const }, 'fail' as const, 'unreachable'],
    ['failed, but it succeeds', { a: 'failed' as const }, 'succeed' as const, 'unreachable'],
    ['both of two', { a: 'succeeded' as const, b: 'succeeded' as const }, 'succeed' as const, 'pending'],
    ['anyOf two', { anyOf: { a: 'succeeded' as const, b: 'succeeded' as const } }, 'succeed' as const, 'dispatched'],
    ['anyOf, one still open', { anyOf: { a: 'succeeded' as const, b: 'failed' as const } }, 'fail' as const, 'pending'],
    [
      'anyOf and a label',
      { anyOf: { a: 'succeeded' as const }, b: 'finished' as const },
      'succeed' as const,
      'pending',
    ],
  ])('%s', (_name, waitOn, how, expected) => {
    const run = play(
      graph([task('a', { ignoreFailure: true }), task('b', { ignoreFailure: true }), task('c', { waitOn })]),
    );
    run.runTask('a', how);
    expect(run.task('c').state).toBe(expected);
  });

  it('an anyOf of which none can match any more is unreachable, and so is what waits on it', () => {
    const run = play(
      graph([
        task('a', { ignoreFailure: true }),
        task('b', { ignoreFailure: true }),
        task('c', { waitOn: { anyOf: { a: 'succeeded', b: 'succeeded' } } }),
        task('d', { waitOn: { c: 'finished' } }),
      ]),
    );
    run.runTask('a', 'fail');
    run.runTask('b', 'fail');
    expect(run.states()).toEqual({ a: 'failed', b: 'failed', c: 'unreachable', d: 'unreachable' });
    expect(run.run.state).toBe('succeeded');
  });
});

describe("the run's end", () => {
  it('comes only when every branch has ended', () => {
    const run = play(graph([task('a'), task('b')]));
    run.runTask('a');
    expect(run.run.state).toBe('running');
    run.runTask('b');
    expect(run.run.state).toBe('succeeded');
  });

  it('an unhandled failure fails it, and ends what is open', () => {
    const run = play(graph([task('a'), agentTask('b'), task('c', { waitOn: { b: 'succeeded' } })]));
    run.runTask('a', 'fail');
    expect(run.run).toMatchObject({
      state: 'failed',
      error: { label: 'a', reason: 'x', message: "task 'a' failed: y" },
    });
    expect(run.states()).toEqual({ a: 'failed', b: 'cancelled', c: 'cancelled' });
  });

  it.each([
    ['ignored', { ignoreFailure: true }, {}],
    ['handled by a waiter on failed', {}, { a: 'failed' as const }],
    ['handled by a waiter on finished', {}, { a: 'finished' as const }],
    ['handled by an anyOf', {}, { anyOf: { a: 'failed' as const } }],
  ])('a failure that is %s does not', (_name, given, waitOn) => {
    const run = play(graph([task('a', given), task('b', { waitOn })]));
    run.runTask('a', 'fail');
    run.runTask('b');
    expect(run.run.state).toBe('succeeded');
  });

  it('keeps its node until it is published', () => {
    const run = play(graph([task('a')]));
    run.runTask('a');
    expect(run.run.activeKey).toBe('n1');
    run.publish();
    expect(run.run).toMatchObject({ sweepKey: 'done', activeKey: run.run.instanceId, outbox: [] });
  });

  it('keeps its node while a worker may still act for it', () => {
    const run = play(graph([task('a')]));
    run.claim('a');
    run.cancel();
    run.publish();
    expect(run.run).toMatchObject({ state: 'cancelled', activeKey: 'n1' });
    expect(run.succeed('a')).toBe('ok');
    expect(run.task('a')).toMatchObject({ state: 'cancelled' });
    expect(run.run.activeKey).toBe(run.run.instanceId);
  });

  it('lets go of its node when the claim of a lost worker has expired', () => {
    const run = play(graph([task('a')]));
    run.claim('a');
    run.cancel();
    run.publish();
    run.wait(30_000);
    expect(run.send({ kind: 'claim-expired', label: 'a', attempt: 1 })).toBe('ok');
    expect(run.run.sweepKey).toBe('done');
  });
});

describe('context', () => {
  it('is merged on success only', () => {
    const run = play(graph([task('a', { ignoreFailure: true }), task('b', { waitOn: { a: 'finished' } })]));
    run.claim('a');
    run.send({
      kind: 'finish',
      label: 'a',
      attempt: 1,
      member: 'm1',
      outcome: { ok: false, reason: 'x', message: 'y' },
    });
    run.runTask('b', 'succeed', { seen: 1 });
    expect(run.run.context).toMatchObject({ target: 'n1', graphName: 'Graph.Test', seen: 1 });
  });

  it('an option that it lacks fails a waiting task at once, naming the path', () => {
    const run = play(graph([agentTask('a', { options: { commands: '{{ context.none }}' } })]));
    expect(run.task('a')).toMatchObject({
      state: 'failed',
      error: { reason: 'options', message: "option 'commands': 'context.none' has no value" },
    });
  });
});

describe('claims', () => {
  it('are for one member', () => {
    const run = play(graph([task('a')]));
    expect(run.claim('a', 'm1')).toBe('ok');
    expect(run.claim('a', 'm2')).toBe('stale');
    expect(run.succeed('a', {}, 'm2')).toBe('stale');
    expect(run.succeed('a', {}, 'm1')).toBe('ok');
    expect(run.succeed('a', {}, 'm1')).toBe('stale');
  });

  it('do not expire before their time, nor after they were renewed', () => {
    const run = play(graph([task('a')]));
    run.claim('a');
    expect(run.send({ kind: 'claim-expired', label: 'a', attempt: 1 })).toBe('stale');
    run.wait(20_000);
    const until = new Date(run.now().getTime() + 30_000).toISOString();
    run.send({ kind: 'renew', label: 'a', attempt: 1, member: 'm1', until });
    run.wait(10_000);
    expect(run.send({ kind: 'claim-expired', label: 'a', attempt: 1 })).toBe('stale');
  });

  it('of a member that is gone count no more; those of others do', () => {
    const run = play(graph([task('a', { onInterrupt: 'repeat' })]));
    run.claim('a', 'm1');
    expect(run.send({ kind: 'claim-expired', label: 'a', attempt: 1, lost: 'm2' })).toBe('stale');
    expect(run.send({ kind: 'claim-expired', label: 'a', attempt: 1, lost: 'm1' })).toBe('ok');
    expect(run.task('a')).toMatchObject({ state: 'dispatched', attempt: 2 });
    expect(run.send({ kind: 'claim-expired', label: 'a', attempt: 1, lost: 'm1' })).toBe('stale');
  });

  it.each([
    ['repeat', { state: 'dispatched', attempt: 2 }],
    ['verify', { state: 'dispatched', attempt: 2, verify: true }],
    ['fail', { state: 'failed', attempt: 1, error: { reason: 'interrupted' } }],
  ] as const)('expired, with onInterrupt %s', (onInterrupt, expected) => {
    const run = play(graph([task('a', { onInterrupt })]));
    run.claim('a');
    run.wait(30_000);
    run.send({ kind: 'claim-expired', label: 'a', attempt: 1 });
    expect(run.task('a')).toMatchObject(expected);
    expect(run.task('a').claim).toBeUndefined();
    expect(run.succeed('a', {}, 'm1')).toBe('stale');
    expect(run.send({ kind: 'finish', label: 'a', attempt: 1, member: 'm1', outcome: { ok: true } })).toBe('stale');
  });

  it('an attempt that was interrupted five times is given up', () => {
    const run = play(graph([task('a')]));
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect(run.claim('a')).toBe('ok');
      run.wait(30_000);
      run.send({ kind: 'claim-expired', label: 'a', attempt });
    }
    expect(run.task('a')).toMatchObject({ state: 'failed', error: { reason: 'interrupted' } });
  });
});

describe('deadlines', () => {
  it('of an effect run from its claim, and what waits for its end waits for its worker too', () => {
    const run = play(graph([task('a', { timeoutMs: 5_000 }), task('b', { waitOn: { a: 'timeout' } })]));
    run.wait(60_000);
    run.claim('a');
    expect(run.send({ kind: 'deadline', label: 'a', attempt: 1 })).toBe('stale');
    run.wait(5_000);
    run.send({ kind: 'deadline', label: 'a', attempt: 1 });
    expect(run.states()).toEqual({ a: 'timeout', b: 'pending' });
    run.fail('a');
    expect(run.states()).toEqual({ a: 'timeout', b: 'dispatched' });
  });

  it('of work for an agent run while the agent has it; the rest of its work is put off', () => {
    const run = play(graph([agentTask('a', { timeoutMs: 10_000 }), agentTask('b', { timeoutMs: 10_000 })]));
    run.wait(9_000);
    run.send({ kind: 'taken', label: 'a', attempt: 1, bootId: 'boot1' });
    const at = (ms: number) => new Date(run.now().getTime() + ms).toISOString();
    expect([run.task('a').deadline, run.task('b').deadline]).toEqual([at(10_000), at(20_000)]);
    run.wait(1_000);
    run.report('a');
    expect(run.task('b').deadline).toBe(at(19_000));
  });
});

describe('sessions and reports', () => {
  it('a session ends a bootstrap', () => {
    const run = play(graph([bootstrapTask('boot'), agentTask('a', { waitOn: { boot: 'succeeded' } })]));
    run.session('boot1');
    expect(run.states()).toEqual({ boot: 'succeeded', a: 'waiting' });
    run.report('a');
    expect(run.run.state).toBe('succeeded');
  });

  it('one that came while the reboot was still being told counts; one from before does not', () => {
    const of = graph([task('reboot'), bootstrapTask('boot', { waitOn: { reboot: 'succeeded' } })]);
    const early = play(of);
    early.claim('reboot');
    early.wait(10);
    early.session('boot1');
    early.wait(10);
    early.succeed('reboot');
    expect(early.task('boot').state).toBe('succeeded');

    const before = play(of);
    before.session('boot0');
    before.wait(10);
    before.runTask('reboot');
    expect(before.task('boot').state).toBe('waiting');
  });

  it.each([
    ['repeat', { state: 'waiting', attempt: 2 }],
    ['fail', { state: 'failed', error: { reason: 'interrupted' } }],
  ] as const)('what an earlier boot had taken: %s', (onInterrupt, expected) => {
    const run = play(graph([agentTask('a', { onInterrupt })]));
    run.send({ kind: 'taken', label: 'a', attempt: 1, bootId: 'boot1' });
    run.session('boot1');
    expect(run.task('a')).toMatchObject({ state: 'waiting', attempt: 1 });
    run.session('boot2');
    expect(run.task('a')).toMatchObject(expected);
    expect(run.report('a', true, 1)).toBe('stale');
  });

  it('a report counts once, and only for the open attempt', () => {
    const run = play(graph([agentTask('a'), agentTask('b')]));
    expect(run.report('a', true, 2)).toBe('stale');
    expect(run.report('a')).toBe('ok');
    expect(run.report('a')).toBe('repeated');
    expect(run.send({ kind: 'report', id: 'other', label: 'a', attempt: 1, ok: false })).toBe('stale');
    expect(run.send({ kind: 'report', id: 'x', label: 'gone', attempt: 1, ok: true })).toBe('stale');
    expect(run.send({ kind: 'report', id: 'y', label: 'constructor', attempt: 1, ok: true })).toBe('stale');
  });
});

describe('what is made known', () => {
  it('facts in order, each with an id of its own, and the state of the node', () => {
    const run = play(graph([task('a')], { nodeEvents: 'discover' }));
    run.runTask('a');
    expect(run.facts()).toEqual([
      "workflow 'Test' began",
      'node discover',
      "task 'a' began",
      "task 'a' succeeded",
      "workflow 'Test' succeeded",
      'node succeed',
    ]);
    expect(run.run.outbox.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6].map((seq) => `${run.run.id}/${seq}`));
  });

  it('a cancelled run says why, and aborts', () => {
    const run = play(graph([task('a')], { nodeEvents: 'discover' }));
    run.cancel();
    expect(run.facts().slice(-2)).toEqual(["workflow 'Test' cancelled: by test", 'node abort']);
    expect(run.cancel()).toBe('repeated');
  });
});

describe('waiting for a call from outside', () => {
  const called = { ok: true, context: { system: { hostname: 'web1' } } };

  it('ends with the call, and what it told', () => {
    const run = play(graph([callbackTask('home')]));
    expect(run.callback('other', called)).toBe('ok');
    expect(run.states()).toEqual({ home: 'waiting' });
    expect(run.run.outbox.at(-1)).toMatchObject({ fact: { data: { label: 'home', callback: 'phone-home' } } });
    expect(run.callback('phone-home', called)).toBe('ok');
    expect(run.run).toMatchObject({ state: 'succeeded', context: called.context });
    expect(run.callback('phone-home', called)).toBe('repeated');
  });

  it('looks back at a call that came since the task before it began, not further', () => {
    const tasks = graph([task('restart'), callbackTask('home', { waitOn: { restart: 'finished' } })]);
    const early = play(tasks);
    early.callback('phone-home', called);
    early.wait(1000);
    early.runTask('restart');
    expect(early.states()).toEqual({ restart: 'succeeded', home: 'waiting' });
    const inTime = play(tasks);
    inTime.claim('restart');
    inTime.wait(1000);
    inTime.callback('phone-home', called);
    inTime.succeed('restart');
    expect(inTime.run.state).toBe('succeeded');
  });

  it('fails with a call that says so, and ends with the run', () => {
    const run = play(graph([callbackTask('home')]));
    run.callback('phone-home', { ok: false, message: 'no space left' });
    expect(run.task('home')).toMatchObject({
      state: 'failed',
      error: { reason: 'phone-home', message: 'no space left' },
    });
    expect(run.callback('another', called)).toBe('ended');
  });
});

describe('an agent that was ended in the middle of a task', () => {
  const interrupted = { kind: 'report', id: 'r/a/1', label: 'a', attempt: 1, ok: false, interrupted: true } as const;

  it('is given it again, as another attempt, where a repeat does no harm', () => {
    const run = play(graph([agentTask('a', { onInterrupt: 'repeat' })]));
    run.send({ kind: 'taken', label: 'a', attempt: 1, bootId: 'b1' });
    expect(run.send(interrupted)).toBe('ok');
    expect(run.task('a')).toMatchObject({ state: 'waiting', attempt: 2 });
    expect(run.task('a').takenBy).toBeUndefined();
    run.report('a');
    expect(run.run.state).toBe('succeeded');
  });

  it('has failed it where it would', () => {
    const run = play(graph([agentTask('a', { onInterrupt: 'fail' })]));
    run.send({ kind: 'taken', label: 'a', attempt: 1, bootId: 'b1' });
    run.send(interrupted);
    expect(run.task('a')).toMatchObject({ state: 'failed', error: { reason: 'interrupted' } });
  });
});
