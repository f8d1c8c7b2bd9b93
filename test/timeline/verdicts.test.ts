import type { NewFact } from '../../src/model/fact.ts';
import type { NodeStateName } from '../../src/model/node-states.ts';
import { diagnose } from '../../src/timeline/diagnose.ts';
import { buildTimeline } from '../../src/timeline/timeline.ts';
import { causes } from '../../src/timeline/verdicts/index.ts';
import { healthy, mac, nodeId, start, step, stored, uuid } from '../support/boot-facts.ts';

type Steps = readonly (readonly [number, NewFact])[];

interface Given {
  readonly now: number;
  readonly state?: NodeStateName;
  readonly stateReason?: string;
  readonly boot?: boolean;
}

function judge(steps: Steps, { now, state = 'discovering', stateReason, boot = true }: Given) {
  const facts = stored(steps);
  const reason = stateReason === undefined ? {} : { stateReason };
  const timeline = buildTimeline({ nodeId, name: 'node', macs: [mac], uuid, state, ...reason }, facts);
  const rogues = facts.filter(({ kind }) => kind === 'dhcp.rogue');
  return diagnose(timeline, { rogues, settings: { boot, addresses: boot } }, new Date(start + now * 1000));
}

const top = (steps: Steps, given: Given): string => {
  const [first] = judge(steps, given).verdicts;
  return first ? `${first.cause}: ${first.outcome}` : 'nothing';
};

const upTo = (hop: string): Steps => healthy[hop] ?? [];

/** A deploy up to the restart, with a firmware that asks the network before its disk. */
const sentToDisk: Steps = [
  ...upTo('agent'),
  [100, step.discover('firmware')],
  [100.1, step.offer('firmware', undefined, 'the node is deploying and no run wants it to boot')],
];

/** The same with a firmware that goes to the disk at once. */
const diskFirst: Steps = [...upTo('agent'), [100, step.homeAwaited()]];

test('what was told to go on without us is not under way', () => {
  const told = step.offer('firmware', undefined, 'the node is discovered and no run wants it to boot');
  const { verdicts } = judge([...upTo('asked'), [20.1, told]], { now: 22, state: 'discovered' });
  expect(verdicts.map(({ cause }) => cause)).toEqual(['nothing-to-boot']);
});

test.each([
  ["workflow 'Deploy' failed", "workflow 'Deploy' failed. 2 disks fit"],
  ["workflow 'Deploy' failed: 2 disks fit", "workflow 'Deploy' failed: 2 disks fit."],
])('why a run failed is said once: %s', (text, expected) => {
  const finished = { ...step.runFinished('failed'), text };
  const given = { now: 51, state: 'failed-deploy', stateReason: '2 disks fit' } as const;
  const [verdict] = judge([...upTo('agent'), [50, finished]], given).verdicts;
  expect(verdict).toMatchObject({ cause: 'run-failed', why: expected });
});

test.each<[string, Steps, RegExp]>([
  ['is silent', [], /does not boot on this firmware/],
  [
    'asks for an address',
    [
      [120, step.request('os')],
      [120, step.ack('os')],
    ],
    /the system on it got an address/,
  ],
])('a disk that was booted and then %s', (_name, steps, expected) => {
  const [verdict] = judge([...diskFirst, ...steps], { now: 2000, state: 'deploying' }).verdicts;
  expect(verdict?.why).toMatch(expected);
});

describe('the first verdict', () => {
  test.each<[string, Steps, Given, string]>([
    ['switched on, then nothing', upTo('power'), { now: 400, state: 'new' }, 'never-asked: stopped'],
    ['nothing at all', [], { now: 400, state: 'new' }, 'never-asked: stopped'],
    ['switched on, discovered before', upTo('power'), { now: 400, state: 'discovered' }, 'never-asked: well'],
    [
      'an operating system asks, no firmware',
      [[5, step.discover('os')]],
      { now: 10, state: 'new' },
      'never-asked: stopped',
    ],
    ['the BMC does not answer', [[0, step.power('powerOn', false)]], { now: 5 }, 'power-failed: stopped'],
    [
      'asked, switch off',
      [...upTo('asked'), [20.1, step.ignored('we only watch this network')], [21, step.otherServer()]],
      { now: 22, boot: false },
      'not-answered: stopped',
    ],
    [
      'asked, from no subnet of ours',
      [...upTo('asked'), [20.1, step.ignored('it is on no network that we serve')]],
      { now: 22 },
      'not-answered: stopped',
    ],
    ['asked, no answer recorded', upTo('asked'), { now: 60 }, 'not-answered: stopped'],
    [
      'another server was chosen',
      [...upTo('asked'), [20.1, step.offer('firmware', 'undionly.kpxe')], [21, step.otherServer()]],
      { now: 22 },
      'other-server: stopped',
    ],
    [
      'our offer lay there, and another server answers',
      [...upTo('asked'), [20.1, step.offer('firmware', 'undionly.kpxe')], [20.2, step.rogue()]],
      { now: 80 },
      'other-server: stopped',
    ],
    [
      'discovered: no boot file',
      [
        ...upTo('asked'),
        [20.1, step.offer('firmware', undefined, 'the node is discovered and no run wants it to boot')],
      ],
      { now: 22, state: 'discovered' },
      'nothing-to-boot: well',
    ],
    [
      'unknown architecture',
      [
        ...upTo('asked'),
        [20.1, step.offer('firmware', undefined, 'there is no loader for architecture 11 (UEFI arm64)')],
      ],
      { now: 22, state: 'discovered' },
      'nothing-to-boot: stopped',
    ],
    [
      'script: nothing',
      [...upTo('ipxe'), [25.3, step.script('nothing', 'the node is maintenance')]],
      { now: 26, state: 'maintenance' },
      'nothing-to-boot: well',
    ],
    ['loader never asked for', upTo('answered'), { now: 120 }, 'loader-not-fetched: stopped'],
    [
      'loader transfer failed',
      [...upTo('answered'), [22, step.tftp('read')], [30, step.tftp('failed')]],
      { now: 55 },
      'loader-not-fetched: stopped',
    ],
    ['loader fetched, silence', upTo('loader'), { now: 100 }, 'loader-silent: stopped'],
    [
      'loader fetched at the second try, silence',
      [
        ...upTo('answered'),
        [22, step.tftp('read')],
        [22.1, step.tftp('failed')],
        [22.2, step.tftp('read')],
        [23, step.tftp('done')],
      ],
      { now: 100 },
      'loader-silent: stopped',
    ],
    ['loader runs, script never fetched', upTo('ipxe'), { now: 100 }, 'loader-silent: stopped'],
    [
      'kernel missing',
      [...upTo('script'), [26, step.fileFailed('microkernel/vmlinuz', 404)], [26.1, step.loaderReport('kernel')]],
      { now: 27 },
      'kernel-failed: stopped',
    ],
    [
      'ramdisk broke off',
      [...upTo('kernel'), [29, step.fileFailed('microkernel/initrd.img', 200)]],
      { now: 30 },
      'kernel-failed: stopped',
    ],
    [
      'kernel missing, and the script asked for once more',
      [...upTo('script'), [26, step.fileFailed('microkernel/vmlinuz', 404)], [27, step.script()]],
      { now: 27 },
      'kernel-failed: stopped',
    ],
    [
      'ramdisk broke off, and the script asked for once more',
      [...upTo('kernel'), [29, step.fileFailed('microkernel/initrd.img', 200)], [30, step.script()]],
      { now: 31 },
      'in-progress: in-progress',
    ],
    [
      'loader reports',
      [
        ...upTo('kernel'),
        [27, step.file('microkernel/initrd.img')],
        [27.1, step.identity()],
        [27.2, step.loaderReport('boot')],
      ],
      { now: 28 },
      'kernel-failed: stopped',
    ],
    ['kernel never fetched', upTo('script'), { now: 90 }, 'kernel-failed: stopped'],
    ['ramdisk never came', upTo('kernel'), { now: 200 }, 'kernel-failed: stopped'],
    ['agent silent', upTo('identity'), { now: 300 }, 'agent-silent: stopped'],
    [
      'kernel has the network, agent silent',
      [...upTo('identity'), [38, step.discover('os')], [38.1, step.ack('os')]],
      { now: 300 },
      'agent-silent: stopped',
    ],
    [
      'agent silent, run ended by its deadline',
      [...upTo('identity'), [1800, step.runFinished('failed')]],
      { now: 1801, state: 'failed-discovery' },
      'agent-silent: stopped',
    ],
    ['agent refused', [...upTo('identity'), [40, step.agentRefused()]], { now: 41 }, 'agent-rejected: stopped'],
    [
      'identity refused',
      [
        ...upTo('kernel'),
        [27, step.file('microkernel/initrd.img')],
        [27.1, step.identityRefused()],
        [27.2, step.loaderReport('identity')],
      ],
      { now: 28 },
      'agent-rejected: stopped',
    ],
    [
      'run failed',
      [...upTo('agent'), [60, step.runFinished('failed')]],
      { now: 61, state: 'failed-discovery' },
      'run-failed: stopped',
    ],
    [
      'run failed, and the next one runs in the same boot',
      [...upTo('agent'), [60, step.runFinished('failed')], [70, step.runStarted()]],
      { now: 71, state: 'failed-deploy' },
      'in-progress: in-progress',
    ],
    ['all went well', upTo('done'), { now: 51, state: 'discovered' }, 'all-well: well'],
    [
      'all went well, then off',
      [...upTo('done'), [60, step.power('powerOff')]],
      { now: 9000, state: 'discovered' },
      'all-well: well',
    ],
    [
      'switched off in the middle',
      [...upTo('loader'), [23, step.power('powerOff')]],
      { now: 9000 },
      'powered-off: well',
    ],
    ['sent to its disk', sentToDisk, { now: 200, state: 'deploying' }, 'disk-boot: in-progress'],
    ['sent to its disk, then nothing', sentToDisk, { now: 2000, state: 'deploying' }, 'disk-boot: stopped'],
    [
      'its disk did not boot, and the deploy ended',
      [...sentToDisk, [2000, step.runFinished('failed')]],
      { now: 2001, state: 'failed-deploy' },
      'disk-boot: stopped',
    ],
    ['its disk comes first', diskFirst, { now: 200, state: 'deploying' }, 'disk-boot: in-progress'],
    [
      'its disk comes first and did not boot, and the deploy ended',
      [...diskFirst, [160, step.runFinished('failed')]],
      { now: 161, state: 'failed-deploy' },
      'disk-boot: stopped',
    ],
    [
      'its disk comes first, and the deploy was cancelled',
      [...diskFirst, [160, step.runFinished('cancelled')]],
      { now: 161, state: 'failed-deploy' },
      'run-failed: stopped',
    ],
    [
      'its disk came first and did not boot, and it is deployed again',
      [...diskFirst, [160, step.runFinished('failed')], [170, step.runStarted()]],
      { now: 171, state: 'deploying' },
      'in-progress: in-progress',
    ],
    [
      'its disk came first, and its installed system called home',
      [...diskFirst, [130, step.home()], [131, step.runFinished('succeeded')]],
      { now: 140, state: 'deployed' },
      'called-home: well',
    ],
    [
      'its installed system called home',
      [...sentToDisk, [130, step.home()], [131, step.runFinished('succeeded')]],
      { now: 140, state: 'deployed' },
      'called-home: well',
    ],
    [
      'a deployed machine that asks the network first',
      sentToDisk,
      { now: 5000, state: 'deployed' },
      'nothing-to-boot: well',
    ],
    [
      'no power controller',
      [...upTo('done'), [60, step.byHand('choose PXE')], [61, step.byHand('switch it off and on')]],
      { now: 62, state: 'deploying' },
      'by-hand: stopped',
    ],
    [
      'no power controller, and nobody did it for so long that the lease was renewed',
      [...upTo('done'), [61, step.byHand('switch it off and on')], [1861, step.request('os')], [1861, step.ack('os')]],
      { now: 1900, state: 'deploying' },
      'by-hand: stopped',
    ],
    [
      'no power controller, and somebody did it',
      [...upTo('done'), [61, step.byHand('switch it off and on')], [90, step.discover('firmware')]],
      { now: 91, state: 'deploying' },
      'in-progress: in-progress',
    ],
    [
      'the agent asked twice, refused first',
      [...upTo('identity'), [39, step.agentRefused()], [40, step.session()], [50, step.runFinished('succeeded')]],
      { now: 51, state: 'discovered' },
      'all-well: well',
    ],
  ])('%s', (_name, steps, given, expected) => {
    expect(top(steps, given)).toBe(expected);
  });

  test.each(Object.keys(healthy).filter((hop) => hop !== 'done'))('just after %s it is under way', (hop) => {
    const steps = upTo(hop);
    expect(top(steps, { now: (steps.at(-1)?.[0] ?? 0) + 2 })).toBe('in-progress: in-progress');
  });
});

test.each(causes.map(({ cause }) => cause).filter((cause) => cause !== 'all-well'))(
  '%s is never found for a boot that went well, however long ago',
  (cause) => {
    for (const now of [50, 400, 1e6]) {
      const found = judge(upTo('done'), { now, state: 'discovered' }).verdicts.map((verdict) => verdict.cause);
      expect(found).not.toContain(cause);
      expect(found).toContain('all-well');
    }
  },
);

test.each(['powered', ...Object.keys(healthy)])('no failure is found while a good boot is at %s', (hop) => {
  const steps = upTo(hop);
  const { verdicts } = judge(steps, {
    now: (steps.at(-1)?.[0] ?? 0) + 1,
    state: hop === 'done' ? 'discovered' : 'new',
  });
  expect(verdicts.filter(({ outcome }) => outcome === 'stopped' && hop !== 'powered')).toEqual([]);
});

test('every verdict names evidence and a next check, and the likeliest comes first', () => {
  const steps = [
    ...upTo('script'),
    [26, step.fileFailed('microkernel/vmlinuz', 404)],
    [26.1, step.loaderReport('kernel')],
  ] as const;
  const { verdicts, outcome, boot } = judge(steps, { now: 27 });
  expect(outcome).toBe('stopped');
  expect(boot).toEqual({ began: '2026-03-01T12:00:00.000Z', beganBy: 'power', facts: 14 });
  expect(verdicts[0]?.why).toContain('microkernel/vmlinuz');
  expect(verdicts[0]?.evidence.map(({ text }) => text)).toContain('microkernel/vmlinuz is not there (404)');
  expect(verdicts[0]?.nextCheck).toContain('make microkernel');
  expect(verdicts.map(({ confidence }) => confidence)).toEqual(
    verdicts.map(({ confidence }) => confidence).toSorted((a, b) => b - a),
  );
  for (const verdict of verdicts) expect(verdict.evidence).not.toEqual([]);
});

test('a machine that fails and begins anew is told by the boot before', () => {
  const steps: Steps = [
    ...upTo('script'),
    [26, step.fileFailed('microkernel/vmlinuz', 404)],
    [60, step.discover('firmware')],
    [60.1, step.offer('firmware', 'undionly.kpxe')],
  ];
  const { verdicts, outcome } = judge(steps, { now: 61 });
  expect(outcome).toBe('in-progress');
  expect(verdicts.map(({ cause }) => cause)).toEqual(['in-progress', 'kernel-failed']);
  expect(verdicts[1]?.why).toMatch(/^The boot before this one: /);
});

test('a stray request with the MAC from elsewhere does not make a good boot a rejected one', () => {
  const steps: Steps = [...upTo('agent'), [45, step.identityRefused()], [50, step.runFinished('succeeded')]];
  expect(judge(steps, { now: 51, state: 'discovered' }).verdicts[0]?.confidence).toBeGreaterThan(0);
  expect(top(steps, { now: 51, state: 'discovered' })).toBe('all-well: well');
});

test("a proxyDHCP boot, whose ACKs are another server's, goes well too", () => {
  const steps: Steps = [
    [0, step.discover('firmware')],
    [0.1, { ...step.offer('firmware', 'undionly.kpxe'), address: '0.0.0.0' }],
    [1, step.ignored('another server gives the addresses here')],
    [2, step.request('firmware', { port: 4011 })],
    [2.1, step.tftp('read')],
    [2.2, step.tftp('done')],
    ...upTo('done').filter(([at, { kind }]) => at >= 24 && !kind.startsWith('dhcp.')),
  ];
  expect(top(steps, { now: 51, state: 'discovered' })).toBe('all-well: well');
});
