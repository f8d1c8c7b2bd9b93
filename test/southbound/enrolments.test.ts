import { createEnrolmentLimit } from '../../src/southbound/enrolments.ts';

test('one address brings sixteen unknown machines an hour, and keeps no other from bringing its own', () => {
  let clock = new Date('2026-01-01T00:00:00Z');
  const limit = createEnrolmentLimit(() => clock);
  const admitted = Array.from({ length: 100 }, () => limit.admit('172.31.128.66'));
  expect(admitted.filter(Boolean)).toHaveLength(16);
  expect(limit.admit('172.31.128.50')).toBe(true);
  clock = new Date(clock.getTime() + 3_600_000);
  expect(limit.admit('172.31.128.66')).toBe(true);
});
