import { cpioArchive } from '../../../src/southbound/cpio.ts';
import { renderScript } from '../../../src/boot/script.ts';
import { readCpioFile } from '../../../src/lab/simnode/cpio.ts';
import { formatQuestion } from '../../../src/lab/simnode/dhcp-client.ts';
import { runScript } from '../../../src/lab/simnode/ipxe.ts';
import { decodePacket } from '../../../src/dhcp/packet.ts';
import { identifyClient } from '../../../src/dhcp/client.ts';

const context = { url: 'http://s', mac: '52:54:00:77:01:00', nodeName: 'n', bootId: 'b', kernelArgs: 'quiet' };

function host(missing: string[] = [], script = '') {
  const fetched: string[] = [];
  const slept: number[] = [];
  return {
    fetched,
    slept,
    fetch: (url: string) => {
      fetched.push(url);
      if (missing.some((part) => url.includes(part))) return Promise.resolve(undefined);
      return Promise.resolve(url.includes('/boot/script') ? Buffer.from(script) : new Uint8Array([1]));
    },
    sleep: (seconds: number) => {
      slept.push(seconds);
      return Promise.resolve();
    },
  };
}

describe('the script interpreter on our own scripts', () => {
  test('boots discovery with both ramdisks in order', async () => {
    const machine = host();
    const end = await runScript(renderScript({ kind: 'discovery', reason: 'r' }, context), machine);
    expect(end).toMatchObject({
      kind: 'boot',
      kernelUrl: 'http://s/files/microkernel/vmlinuz',
      initrds: [{ url: 'http://s/files/microkernel/initrd.img' }, { url: 'http://s/boot/b/identity.cpio' }],
    });
  });

  const script = renderScript({ kind: 'discovery', reason: 'r' }, context);

  test.each(['vmlinuz', 'initrd.img', 'identity.cpio'])(
    'reports a missing %s, and asks for its script anew',
    async (missing) => {
      const again = renderScript({ kind: 'nothing', reason: 'why' }, context);
      const machine = host([missing], again);
      const end = await runScript(script, machine);
      expect(end).toEqual({
        kind: 'exit',
        said: expect.arrayContaining(['Rackwright: nothing to boot for n: why']) as string[],
      });
      expect(machine.fetched.at(-2)).toMatch(/\/boot\/b\/failed\?step=(kernel|ramdisk|identity)&error=0x2d0c618e$/);
      expect(machine.fetched.at(-1)).toBe('http://s/boot/script?mac=52:54:00:77:01:00');
      expect(machine.slept).toEqual([1]);
    },
  );

  test('boots nothing twice where a server went away between kernel and identity', async () => {
    const missing = ['identity.cpio'];
    const machine = host(missing, script);
    const end = await runScript(script, {
      ...machine,
      sleep: () => Promise.resolve(missing.splice(0)).then(() => undefined),
    });
    expect(end).toHaveProperty('initrds.length', 2);
  });

  test('gives up after five minutes of a server that is away', async () => {
    const machine = host(['http']);
    const end = await runScript(script, machine);
    expect(end).toMatchObject({ kind: 'exit' });
    expect(machine.slept).toEqual([...Array.from({ length: 23 }, (_, index) => index + 1), 10]);
  });

  test('exits with nothing to boot', async () => {
    const end = await runScript(renderScript({ kind: 'nothing', reason: 'why' }, context), host());
    expect(end).toMatchObject({ kind: 'exit', said: ['Rackwright: nothing to boot for n: why'] });
  });
});

test.each([
  ['no script', 'hello', /Exec format/],
  ['an unknown command', '#!ipxe\nfly', /fly: command not found/],
  ['a label that is not there', '#!ipxe\ngoto x', /No such label/],
  ['a loop', '#!ipxe\n:a\ngoto a', /does not end/],
])('%s is an error', async (_, script, message) => {
  expect(await runScript(script, host())).toEqual({ kind: 'error', message: expect.stringMatching(message) as string });
});

test('reads back what the server packs', () => {
  const archive = cpioArchive([
    { path: 'a/b', text: 'one', mode: 0o600 },
    { path: 'rackwright/identity.json', text: '{}', mode: 0o600 },
  ]);
  expect(readCpioFile(archive, 'rackwright/identity.json')).toBe('{}');
  expect(readCpioFile(archive, 'c')).toBeUndefined();
  expect(readCpioFile(new Uint8Array([1, 2, 3]), 'c')).toBeUndefined();
});

test.each(['firmware', 'ipxe', 'os'] as const)('the server knows the client of stage %s', (stage) => {
  const uuid = '4c414230-0000-4000-8000-0000000000a1';
  const bytes = formatQuestion({
    type: 'discover',
    xid: 7,
    mac: context.mac,
    uuid,
    arch: 7,
    stage,
    relay: '127.77.0.2',
  });
  const packet = decodePacket(bytes);
  expect(packet).toMatchObject({ xid: 7, giaddr: '127.77.0.2' });
  expect(identifyClient(packet)).toMatchObject(
    stage === 'os' ? { mac: context.mac, stage } : { mac: context.mac, stage, uuid, arch: 7 },
  );
});
