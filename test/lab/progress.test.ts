import type { FactKind } from '../../src/model/fact.ts';
import type { FactView, Progress } from '../../src/lab/progress.ts';
import { afterFact, afterLabEvent, isSettled, noProgress } from '../../src/lab/progress.ts';

const mac = '52:54:00:77:01:00';
const start = noProgress([
  { number: 1, kind: 'bios', mac },
  { number: 2, kind: 'uefi', mac: '52:54:00:77:02:00' },
]);
const second = (n: number): string => new Date(n * 1000).toISOString();
const on = afterLabEvent(start, { kind: 'power', node: 1, power: 'on', cause: 'bmc', at: second(1) });
const fact = (kind: FactKind, at: number, more: Partial<FactView> = {}): FactView => ({
  kind,
  at: second(at),
  text: `${kind} happened`,
  ...more,
});
const after = (facts: FactView[], from: Progress = on): Progress => facts.reduce(afterFact, from);

const leased = fact('dhcp.ack', 3, { mac, address: '172.31.128.50' });
const script = fact('boot.script', 9, { mac, address: '172.31.128.50', nodeId: 'n1' });

describe('progress of a node', () => {
  it('starts at power-on, told by the lab', () => {
    expect(on[0]?.reached).toEqual({ power: 1000 });
    expect(on[1]?.reached).toEqual({});
  });

  it('follows the whole chain, joined by MAC, then address, then node', () => {
    const done = after([
      leased,
      fact('tftp.done', 5, { address: '172.31.128.50' }),
      script,
      fact('boot.file', 10, { address: '172.31.128.50', data: { path: 'microkernel/vmlinuz' } }),
      fact('boot.file', 11, { address: '172.31.128.50', data: { path: 'microkernel/initrd.img' } }),
      fact('agent.session', 20, { nodeId: 'n1' }),
      fact('catalog.stored', 21, { nodeId: 'n1', data: { source: 'dmi' } }),
      fact('catalog.stored', 22, { nodeId: 'n1', data: { source: 'dmi' } }),
      fact('catalog.stored', 23, { nodeId: 'n1', data: { source: 'lshw' } }),
      fact('node.state', 24, { nodeId: 'n1', data: { state: 'discovered' } }),
    ]);
    expect(done[0]).toMatchObject({
      reached: { power: 1000, dhcp: 3000, loader: 5000, script: 9000, kernel: 10_000, agent: 20_000 },
      catalogs: ['dmi', 'lshw'],
      state: 'discovered',
      endedAt: 24_000,
    });
    expect(isSettled(done[0]!)).toBe(true);
    expect(done[1]).toEqual(start[1]);
  });

  it('counts the first time of each step: loaders ask for an address again', () => {
    const again = after([leased, fact('dhcp.ack', 8, { mac, address: '172.31.128.51' })]);
    expect(again[0]).toMatchObject({ reached: { dhcp: 3000 }, address: '172.31.128.51' });
  });

  it('takes no fact for its own whose MAC is another’s, though the address was once its own', () => {
    const stranger = fact('boot.script', 9, { mac: '52:54:00:77:99:00', address: '172.31.128.50' });
    expect(after([leased, stranger])[0]?.reached.script).toBeUndefined();
  });

  it('ends failed with the reason, and is open again when discovery starts again', () => {
    const failed = after([
      script,
      fact('node.state', 30, { nodeId: 'n1', text: 'it is failed', data: { state: 'failed-discovery' } }),
    ]);
    expect(failed[0]).toMatchObject({ state: 'failed-discovery', note: 'it is failed', endedAt: 30_000 });
    const again = afterFact(failed, fact('node.state', 40, { nodeId: 'n1', data: { state: 'discovering' } }));
    expect(isSettled(again[0]!)).toBe(false);
  });

  it('shows trouble, but not the size probe of firmware', () => {
    expect(after([leased, fact('tftp.failed', 4, { mac })])[0]?.note).toBeUndefined();
    expect(after([leased, fact('boot.failed', 4, { mac, text: 'no kernel' })])[0]?.note).toBe('no kernel');
    const stuck = afterLabEvent(on, { kind: 'trouble', node: 1, text: 'QEMU is gone', at: second(2) });
    expect(stuck[0]?.note).toBe('QEMU is gone');
  });

  it('is not shaken by data that is not what it should be', () => {
    const odd = after([
      script,
      fact('boot.file', 10, { nodeId: 'n1', data: { path: 7 } }),
      fact('catalog.stored', 10, { nodeId: 'n1' }),
      fact('node.state', 10, { nodeId: 'n1', data: { state: null } }),
    ]);
    expect(odd[0]).toMatchObject({ catalogs: [], reached: { power: 1000, script: 9000 } });
  });
});
