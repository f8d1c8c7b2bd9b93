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
    expect(bootIndexes(order, 1, override)).toEqual(expected);
  });

  it('lets one disk follow the other', () => {
    expect(bootIndexes('nc', 2)).toEqual({ net0: 1, disk0: 2, disk1: 3 });
    expect(bootIndexes('nc', 2, 'disk')).toEqual({ disk0: 1, disk1: 2, net0: 3 });
    expect(bootIndexes('n', 2)).toEqual({ net0: 1 });
  });

  it('never gives two devices the same index on the way from any order to any other', () => {
    for (const from of bootOrders) {
      for (const to of bootOrders) {
        const current = new Map<string, number>(
          Object.entries(bootIndexes(from, 2)).map(([device, index]) => [`/machine/peripheral/${device}`, index ?? -1]),
        );
        for (const { path, value } of bootIndexChanges(bootIndexes(to, 2), 2)) {
          current.set(path, value);
          const given = [...current.values()].filter((index) => index >= 0);
          expect(new Set(given).size).toBe(given.length);
        }
        for (const device of ['net0', 'disk0', 'disk1'] as const) {
          expect(current.get(`/machine/peripheral/${device}`) ?? -1).toBe(bootIndexes(to, 2)[device] ?? -1);
        }
      }
    }
  });
});
