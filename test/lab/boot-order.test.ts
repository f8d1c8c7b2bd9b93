import { bootIndexChanges, bootIndexes } from '../../src/lab/boot-order.ts';
import { bootOrders } from '../../src/lab/options.ts';

describe('boot order', () => {
  it.each([
    ['nc', undefined, { net0: 1, disk0: 2 }],
    ['cn', undefined, { disk0: 1, net0: 2 }],
    ['n', undefined, { net0: 1 }],
    ['c', undefined, { disk0: 1 }],
    ['cn', 'pxe', { net0: 1, disk0: 2 }],
    ['nc', 'disk', { disk0: 1, net0: 2 }],
    ['c', 'pxe', { net0: 1, disk0: 2 }],
    ['n', 'disk', { disk0: 1, net0: 2 }],
  ] as const)('%s with the override %s', (order, override, expected) => {
    expect(bootIndexes(order, override)).toEqual(expected);
  });

  it('never gives two devices the same index on the way from any order to any other', () => {
    for (const from of bootOrders) {
      for (const to of bootOrders) {
        const current = new Map<string, number>(
          Object.entries(bootIndexes(from)).map(([device, index]) => [
            `/machine/peripheral/${device}`,
            index as number,
          ]),
        );
        for (const { path, value } of bootIndexChanges(bootIndexes(to))) {
          current.set(path, value);
          const given = [...current.values()].filter((index) => index >= 0);
          expect(new Set(given).size).toBe(given.length);
        }
        expect(current.get('/machine/peripheral/net0') ?? -1).toBe(bootIndexes(to).net0 ?? -1);
        expect(current.get('/machine/peripheral/disk0') ?? -1).toBe(bootIndexes(to).disk0 ?? -1);
      }
    }
  });
});
