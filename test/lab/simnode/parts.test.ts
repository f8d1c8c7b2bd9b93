import { cpioArchive } from '../../../src/southbound/cpio.ts';
import { renderScript } from '../../../src/boot/script.ts';
import { readCpioFile } from '../../../src/lab/simnode/cpio.ts';
import { formatQuestion } from '../../../src/lab/simnode/dhcp-client.ts';
import { runScript } from '../../../src/lab/simnode/ipxe.ts';
import { decodePacket } from '../../../src/dhcp/packet.ts';
import { identifyClient } from '../../../src/dhcp/client.ts';

const context = { url: 'http://s', mac: '52:54:00:77:01:00', nodeName: 'n', bootId: 'b', kernelArgs: 'quiet' };

function host(missing: string[] = []) {
  const fetched: string[] = [];
  return {
    fetched,
    fetch: (url: string) => {
      fetched.push(url);
      return Promise.resolve(missing.some((part) => url.includes(part)) ? undefined : new Uint8Array([1]));
    },
    sleep: () => Promise.resolve(),
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

  test.each(['vmlinuz', 'initrd.img', 'identity.cpio'])('reports a missing %s and gives up', async (missing) => {
    const machine = host([missing]);
    const end = await runScript(renderScript({ kind: 'discovery', reason: 'r' }, context), machine);
    expect(end.kind).toBe('exit');
    expect(machine.fetched.at(-1)).toMatch(/\/boot\/b\/failed\?step=(kernel|ramdisk|identity)&error=0x2d0c618e$/);
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
