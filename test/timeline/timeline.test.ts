import type { Fact, NewFact } from '../../src/model/fact.ts';
import { buildTimeline } from '../../src/timeline/timeline.ts';
import { address, healthy, mac, nodeId, step, stored, uuid } from '../support/boot-facts.ts';

const other = '52:54:00:77:02:00';
const subject = { nodeId, name: 'node', macs: [mac], uuid };
const texts = (facts: readonly Fact[]): string[] => facts.map((fact) => fact.text);

function timelineOf(steps: readonly (readonly [number, NewFact])[]) {
  return buildTimeline(subject, stored(steps));
}

describe('a fact belongs', () => {
  test('by MAC, node, UUID, or the address in the time of the lease', () => {
    const { facts } = timelineOf(healthy.done ?? []);
    expect(facts).toHaveLength(healthy.done?.length ?? -1);
  });

  test("not when the address was another machine's, before or after", () => {
    const { facts } = timelineOf([
      [0, step.ack('firmware', 'x', other)],
      [1, { ...step.tftp('read'), text: 'of the one before' }],
      [10, step.ack('firmware', 'x')],
      [11, { ...step.tftp('read'), text: 'ours' }],
      [20, step.ack('firmware', 'x', other)],
      [21, { ...step.tftp('read'), text: 'of the one after' }],
    ]);
    expect(texts(facts)).toEqual([`we gave ${address} and x`, 'ours']);
  });

  test('not after the address was given back, nor a day later', () => {
    const { facts } = timelineOf([
      [0, step.ack('os')],
      [10, { ...step.request('os'), kind: 'dhcp.release', text: 'released' }],
      [11, step.tftp('read')],
      [20, step.ack('os')],
      [20 + 25 * 3600, step.tftp('read')],
    ]);
    expect(facts.map(({ kind }) => kind)).toEqual(['dhcp.ack', 'dhcp.release', 'dhcp.ack']);
  });

  test('not when it names another node, whatever its MAC says', () => {
    expect(timelineOf([[0, { ...step.session(), nodeId: '65f1a2b3c4d5e6f708192aff' }]]).facts).toEqual([]);
  });

  test('once, however often it was read', () => {
    const facts = stored(healthy.loader ?? []);
    expect(buildTimeline(subject, [...facts, ...facts]).facts).toEqual(facts);
  });
});

describe('boots', () => {
  const kinds = (steps: readonly (readonly [number, NewFact])[]) =>
    timelineOf(steps).boots.map(({ beganBy, facts }) => `${beganBy}: ${facts.length}`);

  test('begin with power, and go on through self-test, loader and operating system', () => {
    expect(kinds(healthy.done ?? [])).toEqual([`power: ${healthy.done?.length ?? 0}`]);
  });

  test("begin with the firmware's request where nobody switched on", () => {
    expect(kinds(healthy.done?.slice(1) ?? [])).toEqual([`firmware: ${(healthy.done?.length ?? 0) - 1}`]);
  });

  test("do not begin with the firmware's retries", () => {
    expect(kinds([4, 8, 16, 32].map((at) => [at, step.discover('firmware')] as const))).toEqual(['firmware: 4']);
  });

  test('begin anew after a long pause, and after more than DHCP', () => {
    expect(
      kinds([
        [0, step.discover('firmware')],
        [600, step.discover('firmware')],
      ]),
    ).toEqual(['firmware: 1', 'firmware: 1']);
    expect(kinds([...(healthy.loader ?? []), [30, step.discover('firmware')]])).toEqual(['power: 7', 'firmware: 1']);
  });

  test('begin with each power command', () => {
    expect(
      kinds([
        [0, step.power()],
        [9, step.power('reset')],
        [12, step.power('powerOff')],
      ]),
    ).toEqual(['power: 1', 'power: 2']);
  });

  test('of a machine whose firmware was not seen begin with what was', () => {
    expect(
      kinds([
        [0, step.discover('os')],
        [1, step.ack('os')],
      ]),
    ).toEqual(['other: 2']);
  });
});
