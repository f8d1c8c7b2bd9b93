import { romMask } from '../../src/lab/rom-mask.ts';

describe('ROM mask', () => {
  const mask = romMask(3, 'tap3.0');

  it('blanks option 77 only where it says iPXE, and then all 50 bytes of option 175', () => {
    const match = /@th,(\d+),48 0x4d04([0-9a-f]{8}) @th,\1,48 set 0/.exec(mask.ruleset)!;
    expect(Number(match[1])).toBe(298 * 8);
    expect(Buffer.from(match[2]!, 'hex').toString()).toBe('iPXE');
    const pieces = [...mask.ruleset.matchAll(/@th,(\d+),(\d+) set 0/g)]
      .slice(1)
      .map(([, at, bits]) => [Number(at), Number(bits)]);
    let next = 329 * 8;
    for (const [at, bits] of pieces) {
      expect(at).toBe(next);
      expect(bits).toBeLessThanOrEqual(128);
      next += bits!;
    }
    expect(next - 329 * 8).toBe(50 * 8);
  });

  it('is for one node, and is armed again by forgetting that it loaded iPXE', () => {
    expect(mask.ruleset).toContain('table netdev mask3');
    expect(mask.ruleset).toContain('device "tap3.0"');
    expect(mask.arm).toBe('flush set netdev mask3 chained\n');
  });
});
