import { bootOffer } from '../../src/boot/offer.ts';
import { renderScript } from '../../src/boot/script.ts';
import { chooseTarget, type BootFacts } from '../../src/boot/target.ts';
import type { BootClient } from '../../src/boot/client.ts';
import { nodeStates, type NodeStateName } from '../../src/model/node-states.ts';

const server = { address: '172.31.128.1', httpPort: 9080 };
const client: BootClient = {
  mac: '52:54:00:77:01:00',
  uuid: '4c414230-0000-4000-8000-000000000001',
  arch: 0,
  stage: 'firmware',
  serverAddress: '172.31.128.1',
};

describe('chooseTarget', () => {
  const cases: [string, BootFacts, string, RegExp][] = [
    ['an unknown machine', { discoveryEnabled: true }, 'discovery', /unknown/],
    ['an unknown machine, discovery off', { discoveryEnabled: false }, 'nothing', /discovery\.enabled/],
    ['a new node', { node: { state: 'new' }, discoveryEnabled: true }, 'discovery', /is new/],
    ['a node in mid-discovery', { node: { state: 'discovering' }, discoveryEnabled: true }, 'discovery', /discovering/],
    ['a failed discovery', { node: { state: 'failed-discovery' }, discoveryEnabled: true }, 'discovery', /failed/],
    ['a discovered node', { node: { state: 'discovered' }, discoveryEnabled: true }, 'nothing', /no run wants/],
    [
      'a discovered node with a run',
      { node: { state: 'discovered' }, profile: { kind: 'discovery' }, discoveryEnabled: false },
      'discovery',
      /active run/,
    ],
    [
      'maintenance, whatever a run wants',
      { node: { state: 'maintenance' }, profile: { kind: 'discovery' }, discoveryEnabled: true },
      'nothing',
      /maintenance/,
    ],
  ];
  test.each(cases)('%s', (_, facts, kind, reason) => {
    const target = chooseTarget(facts);
    expect(target.kind).toBe(kind);
    expect(target.reason).toMatch(reason);
  });

  test('agrees with the state table for every state', () => {
    for (const state of Object.keys(nodeStates) as NodeStateName[]) {
      expect(chooseTarget({ node: { state }, discoveryEnabled: true }).kind).toBe(nodeStates[state].boots);
    }
  });
});

describe('bootOffer', () => {
  const target = chooseTarget({ discoveryEnabled: true });
  test.each([
    ['BIOS firmware', { arch: 0 }, 'undionly.kpxe'],
    ['an old BIOS ROM without option 93', { arch: undefined as never }, 'undionly.kpxe'],
    ['x64 UEFI as 7', { arch: 7 }, 'snponly.efi'],
    ['x64 UEFI as 9', { arch: 9 }, 'snponly.efi'],
    ['UEFI HTTP Boot', { arch: 16 }, 'http://172.31.128.1:9080/files/loaders/snponly.efi'],
    [
      'iPXE',
      { stage: 'ipxe' as const },
      'http://172.31.128.1:9080/boot/script?mac=52:54:00:77:01:00&uuid=4c414230-0000-4000-8000-000000000001',
    ],
  ])('%s', (_, change, file) => {
    expect(bootOffer({ ...client, ...change }, target, server)).toMatchObject({
      kind: 'file',
      file,
      nextServer: '172.31.128.1',
    });
  });

  test('HTTP Boot firmware is answered as HTTPClient', () => {
    expect(bootOffer({ ...client, arch: 16 }, target, server)).toHaveProperty('vendorClass', 'HTTPClient');
  });

  test.each([
    ['an operating system', { stage: 'os' as const }, /operating system/],
    ['an architecture without a loader', { arch: 11 }, /architecture 11 \(ARM64 UEFI\)/],
    ['an unknown architecture', { arch: 999 }, /architecture 999/],
  ])('%s gets no file', (_, change, reason) => {
    const answer = bootOffer({ ...client, ...change }, target, server);
    expect(answer).toEqual({ kind: 'none', reason: expect.stringMatching(reason) as string });
  });

  test('a node with nothing to do gets no file, at every stage', () => {
    const nothing = chooseTarget({ node: { state: 'discovered' }, discoveryEnabled: true });
    for (const stage of ['firmware', 'ipxe', 'os'] as const) {
      expect(bootOffer({ ...client, stage }, nothing, server).kind).toBe('none');
    }
  });
});

describe('renderScript', () => {
  const context = {
    url: 'http://172.31.128.1:9080',
    mac: client.mac,
    uuid: '4c414230-0000-4000-8000-000000000001',
    nodeName: 'node1',
    bootId: 'b1',
    kernelArgs: 'console=ttyS0',
  };

  test('the whole discovery script', () => {
    const script = renderScript({ kind: 'discovery', reason: 'the machine is unknown', kernelArgs: 'quiet' }, context);
    expect(script).toBe(`#!ipxe
echo Rackwright: node1 boots the discovery system, because the machine is unknown
set step kernel
kernel http://172.31.128.1:9080/files/microkernel/vmlinuz initrd=initrd.img initrd=identity.cpio BOOTIF=01-52-54-00-77-01-00 console=ttyS0 quiet || goto failed
set step ramdisk
initrd --name initrd.img http://172.31.128.1:9080/files/microkernel/initrd.img || goto failed
set step identity
initrd --name identity.cpio http://172.31.128.1:9080/boot/b1/identity.cpio || goto failed
set step boot
boot || goto failed
:failed
imgfetch --name report http://172.31.128.1:9080/boot/b1/failed?step=\${step}&error=\${errno} ||
imgfree
inc tries
iseq \${step} boot && goto over ||
iseq \${tries} 24 && goto over ||
echo Rackwright: \${step} failed; trying again in \${tries} s
sleep \${tries}
set step script
chain --replace --autofree http://172.31.128.1:9080/boot/script?mac=52:54:00:77:01:00&uuid=4c414230-0000-4000-8000-000000000001 || goto failed
:over
echo Rackwright: \${step} failed; going on to the next boot device in 10 s
sleep 10
exit 1
`);
  });

  test('a name cannot break out of the script', () => {
    const script = renderScript(
      { kind: 'nothing', reason: 'x' },
      { ...context, nodeName: 'a\nchain http://evil/${x}' },
    );
    expect(script).toBe('#!ipxe\necho Rackwright: nothing to boot for a?chain http://evil/??x?: x\nexit\n');
  });
});
