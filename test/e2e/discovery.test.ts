import { join } from 'node:path';
import type { NodeIdentity } from '../../src/lab/identity.ts';
import type { FactView } from '../../src/lab/progress.ts';
import { textTable } from '../../src/model/text-table.ts';
import type { BmcCredential } from '../../src/model/records.ts';
import { createSealer } from '../../src/secrets/seal.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import type { NodeRow, ListedRun, Rack } from '../support/e2e.ts';
import { discoveryDeadlineMs, openRack } from '../support/e2e.ts';

/** Real firmware, kernel, BMC protocol and store: from power on to discovered, and what a killed server changes in it. */

const sources = ['dmi', 'lshw', 'lsblk', 'lspci', 'lldp', 'ohai', 'driveId', 'bmc', 'ipmi-fru', 'ipmi-sdr', 'ipmi-sel'];
const mib = 1024 * 1024;

/**
 * A graph of a user's own, for the agent of a discovered node. Neighbours tell of themselves every 30 s: those that came
 * up during a discovery may not have been heard in it.
 */
const lookAgain = {
  friendlyName: 'Look again',
  injectableName: 'Graph.Test.LookAgain',
  tasks: [{ label: 'look', taskName: 'Task.Linux.Commands' }],
  options: {
    look: {
      commands: [
        { command: 'cat /proc/cmdline', catalog: { source: 'cmdline', format: 'raw' } },
        'for try in $(seq 90); do lldpcli show neighbors | grep -q SysName && exit; sleep 1; done; exit 1',
        { command: 'lldpcli show neighbors -f json', catalog: { source: 'lldp', format: 'auto' } },
      ],
    },
  },
};

let rack: Rack;
beforeAll(async () => {
  rack = await openRack('rwt-disc', { nodes: ['bios', 'uefi', 'bios', 'uefi', 'bios', 'bios-ipxe', 'bios-ipxe'] });
}, 120_000);
afterAll(async () => {
  await rack.close();
}, 60_000);

const identityOf = (number: number): NodeIdentity => rack.lab.node(number).machine.identity;
const catalog = async <T>({ id }: NodeRow, source: string): Promise<T> =>
  (await rack.get<{ data: T }>(`/api/current/nodes/${id}/catalogs/${source}`)).data;
const timeline = async ({ id }: NodeRow): Promise<FactView[]> =>
  (await rack.get<{ items: FactView[] }>(`/nodes/${id}/timeline`)).items;

describe('two servers that are switched on together', () => {
  const numbers = [1, 2];
  const nodes: NodeRow[] = [];
  const node = (number: number): NodeRow => {
    const found = nodes[number - 1];
    if (!found) throw new Error(`node ${number} was not discovered`);
    return found;
  };

  beforeAll(async () => {
    await rack.send('PUT', '/api/current/workflows/graphs', lookAgain);
    await Promise.all(numbers.map(rack.powerOn));
    nodes.push(...(await Promise.all(numbers.map(rack.discovered))));
  }, discoveryDeadlineMs + 60_000);

  describe.each([
    [1, 'a BIOS with a plain PXE ROM', 'undionly.kpxe'],
    [2, 'UEFI', 'snponly.efi'],
  ])('node %i, %s', (number, _, loader) => {
    it('is listed as what it is', () => {
      const { serial, vendor, product, mac, bmcAddress, bmcMac } = identityOf(number);
      const { summary, bmc, name } = node(number);
      expect(summary).toMatchObject({
        ...{ vendor, product, serial, bmcAddress, bmcMac },
        ...{ macs: [mac], cpuCount: 1, cpuCores: 1 },
        cpuModel: 'Lab Virtual CPU @ 2.0GHz',
        disks: [{ name: 'vda', sizeBytes: 1024 * mib, serial: `${serial}-D0` }],
      });
      expect(summary.memoryBytes).toBe(768 * mib);
      expect(bmc).toEqual({ address: bmcAddress, mac: bmcMac });
      expect(name).toBe(mac);
    });

    it('has every catalog', async () => {
      const catalogs = await rack.get<{ source: string }[]>(`/api/current/nodes/${node(number).id}/catalogs`);
      expect(catalogs.map(({ source }) => source).sort()).toEqual([...sources].sort());
    });

    it('has in them what the machine is made of', async () => {
      const { serial, uuid, bmcAddress, bmcMac, product } = identityOf(number);
      const read = async (source: string): Promise<unknown> => await catalog(node(number), source);
      expect(await read('dmi')).toMatchObject({
        'System Information': { 'Serial Number': serial, UUID: uuid, 'Product Name': product },
      });
      expect(await read('lshw')).toMatchObject({
        class: 'system',
        serial,
        product: expect.stringContaining(product) as string,
      });
      expect(await read('lsblk')).toMatchObject({ blockdevices: [{ name: 'vda', size: 1024 * mib, type: 'disk' }] });
      expect(JSON.stringify(await read('lspci'))).toMatch(/Ethernet controller|Virtio network device/);
      expect(await read('ohai')).toMatchObject({ dmi: { system: { serial_number: serial } }, cpu: { total: 1 } });
      expect(await read('driveId')).toMatchObject([{ devName: 'vda', serial: `${serial}-D0` }]);
      expect(await read('bmc')).toMatchObject({ 'IP Address': bmcAddress, 'MAC Address': bmcMac });
      expect(await read('ipmi-fru')).toMatchObject({ 'Builtin FRU Device (ID 0)': { 'Product Serial': serial } });
      expect(JSON.stringify(await read('ipmi-sdr'))).toContain('MB Temp');
      expect(await read('ipmi-sel')).toEqual({});
    });

    it('has its BMC proven, with a user of ours', async () => {
      const { id } = node(number);
      const { bmcAddress } = identityOf(number);
      const obms = await rack.get(`/api/current/nodes/${id}/obm`);
      const config = { host: bmcAddress, user: 'rackwright' };
      expect(obms).toMatchObject([{ service: 'ipmi-obm-service', config }]);
      expect(await rack.get(`/nodes/${id}/power`)).toEqual({ power: 'on' });
      const users = await rack.lab.ipmi(number, 'user', 'list', '1');
      expect(users.stdout).toMatch(/\brackwright\b.*ADMINISTRATOR/);
    });

    it('has its boot on its timeline, in order', async () => {
      const facts = await timeline(node(number));
      const at = (kind: string, accept: (fact: FactView) => boolean = () => true): number =>
        facts.findIndex((fact) => fact.kind === kind && accept(fact));
      const positions = [
        at('dhcp.discover', ({ data }) => data?.stage === 'firmware'),
        at('dhcp.ack', ({ data }) => data?.file === loader),
        at('tftp.done', ({ text }) => text.includes(loader)),
        at('dhcp.discover', ({ data }) => data?.stage === 'ipxe'),
        at('node.enrolled'),
        at('boot.script'),
        at('boot.file', ({ data }) => data?.path === 'microkernel/vmlinuz'),
        at('boot.file', ({ data }) => data?.path === 'microkernel/initrd.img'),
        at('boot.identity'),
        at('agent.session'),
        at('catalog.stored'),
        at('bmc.proven'),
        at('run.finished'),
      ];
      expect(positions).not.toContain(-1);
      expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      expect(facts.filter(({ kind }) => kind === 'agent.session')).toHaveLength(1);
      expect(facts.filter(({ kind }) => kind === 'boot.script')).toHaveLength(1);
    });

    it('shows no secret on its serial line', async () => {
      const serial = rack.serial(number);
      expect(serial).toContain('identity.cpio... ok');
      // A token of ours is 43 characters of base64url; nothing else on a console is.
      expect(serial.match(/(?<![\w-])[\w-]{43}(?![\w-])/g)).toBeNull();
      const credential = await credentialOf(node(number));
      expect(credential.state).toBe('proven');
      expect(credential.password).toMatch(/^\w{16}$/);
      expect(serial).not.toContain(credential.password);
    });
  });

  it('carry out a graph of a user’s own; they hear each other by LLDP, and no kernel was told a secret', async () => {
    await Promise.all(numbers.map((number) => rack.workflow(node(number).id, lookAgain.injectableName)));
    for (const number of numbers) {
      const other = 3 - number;
      const chassis = { name: `rackwright-${node(other).id}`, mac: identityOf(other).mac };
      expect(await catalog(node(number), 'lldp')).toMatchObject({ eth0: { chassis } });
      const { output } = await catalog<{ output: string }>(node(number), 'cmdline');
      const words = output.trim().split(' ');
      expect(words.filter((word) => !/^(console=.*|quiet|vmlinuz)$/.test(word))).toEqual([
        ...['initrd=initrd.img', 'initrd=identity.cpio'],
        `BOOTIF=01-${identityOf(number).mac.replaceAll(':', '-')}`,
      ]);
    }
  }, 120_000);

  it('reboots by workflow; then it gets an address and nothing to boot', async () => {
    const before = rack.lab.bmcEffects(1).length;
    const scripts = rack.factsOf(1, 'boot.script').length;
    const bootedAt = rack.lab.node(1).bootedAt();
    await rack.workflow(node(1).id, 'Graph.Reboot.Node');
    expect(
      rack.lab
        .bmcEffects(1)
        .slice(before)
        .map(({ command }) => command),
    ).toEqual(['set power 0', 'set power 1']);
    expect(rack.lab.node(1).bootedAt()).not.toEqual(bootedAt);
    await rack.lab.node(1).waitSerial(/Nothing to boot[^]*Booting from Hard Disk/, 60_000);
    const since = rack.lab.node(1).bootedAt()?.toISOString() ?? '';
    const ack = await rack.fact(
      1,
      'dhcp.ack',
      ({ at, data }) => at > since && data?.stage === 'firmware' && data.file === undefined,
    );
    expect(ack.text).toMatch(/no boot file \(the node is discovered and no run wants it to boot\)/);
    expect(rack.factsOf(1, 'boot.script')).toHaveLength(scripts);
    expect((await rack.known(1))?.state.name).toBe('discovered');
  }, 120_000);

  it('is switched off and on by workflow', async () => {
    await rack.workflow(node(2).id, 'Graph.PowerOff.Node');
    expect(rack.lab.node(2).power()).toBe('off');
    expect(await rack.get(`/nodes/${node(2).id}/power`)).toEqual({ power: 'off' });
    await rack.workflow(node(2).id, 'Graph.PowerOn.Node');
    expect(rack.lab.node(2).power()).toBe('on');
    const since = rack.lab.node(2).bootedAt()?.toISOString() ?? '';
    await rack.fact(2, 'dhcp.offer', ({ at, data }) => at > since && data?.file === undefined);
    for (const number of numbers) await rack.workflow(node(number).id, 'Graph.PowerOff.Node');
    for (const number of numbers) expect(rack.lab.node(number).power()).toBe('off');
  }, 120_000);

  const credentialOf = async ({ id }: NodeRow): Promise<BmcCredential & { password: string }> => {
    const sealer = await createSealer(join(rack.lab.paths.data, 'keys.json'), new Date());
    const { store, close } = await openSqliteStore({ path: join(rack.lab.paths.data, 'rackwright.db') });
    try {
      const credential = await store.bmcCredentials.get(id);
      if (!credential) throw new Error(`node ${id} has no credential`);
      return { ...credential, password: sealer.open(credential.sealedPassword) };
    } finally {
      await close();
    }
  };
});

/** A step of a discovery at which the server is killed, and how a test sees that the node has come to it. */
interface KillStep {
  readonly step: string;
  readonly number: number;
  readonly reached: () => Promise<unknown>;
}

/**
 * In rounds, because two nodes at once take no longer than one. Each is hit by the other's kill as well, at a step that
 * the table does not name; pairs are such that this is not the transfer of a ramdisk once more.
 */
const rounds: readonly (readonly KillStep[])[] = [
  [
    { step: 'DHCP ack', number: 3, reached: () => rack.fact(3, 'dhcp.ack') },
    { step: 'agent session', number: 4, reached: () => rack.fact(4, 'agent.session') },
  ],
  [
    {
      step: 'ramdisk under way',
      number: 5,
      reached: () => rack.lab.node(5).waitSerial(/initrd\.img\.\.\.\s+\d+%/, discoveryDeadlineMs),
    },
    { step: 'script', number: 6, reached: () => rack.fact(6, 'boot.script') },
  ],
  [
    {
      step: 'mid-catalogs',
      number: 7,
      reached: () => rack.fact(7, 'agent.work', ({ data }) => data?.label === 'catalog'),
    },
  ],
];

/** A line of the kill table. Times are seconds. */
interface KillRow {
  readonly step: string;
  readonly kind: string;
  /** From power on. */
  readonly killedAfter: number;
  /** From the kill until the server answered again. */
  readonly backAfter: number;
  /** The first that the node was seen to do afterwards. */
  readonly then: string;
  readonly scripts: number;
  readonly sessions: number;
  /** From power on. */
  readonly discoveredAfter: number;
}

describe('a server that is killed and started again at once', () => {
  const rows: KillRow[] = [];
  let turn = Promise.resolve();

  afterAll(() => {
    process.stdout.write(killTable(rows));
  });

  const seconds = (from: number): number => Math.round((Date.now() - from) / 100) / 10;

  /** One at a time: a server that is not back yet cannot be killed. */
  const killServer = async (): Promise<{ at: string; backAfter: number }> => {
    const { server } = rack.lab;
    const killing = turn.then(async () => {
      const at = Date.now();
      await server?.kill();
      expect(server?.running()).toBe(false);
      await server?.start();
      return { at: new Date(at).toISOString(), backAfter: seconds(at) };
    });
    turn = killing.then(
      () => undefined,
      () => undefined,
    );
    return await killing;
  };

  const discoverWithKill = async ({ step, number, reached }: KillStep): Promise<NodeRow> => {
    const began = Date.now();
    await rack.powerOn(number);
    await reached();
    const killedAfter = seconds(began);
    const { at, backAfter } = await killServer();
    const node = await rack.discovered(number);
    const facts = await timeline(node);
    const count = (wanted: string): number => facts.filter(({ kind }) => kind === wanted).length;
    const sign = facts.find((fact) => fact.at > at && /^(dhcp|tftp|boot|agent)\./.test(fact.kind));
    rows.push({
      ...{ step, killedAfter, backAfter, then: sign?.text ?? 'nothing', discoveredAfter: seconds(began) },
      ...{ kind: rack.lab.node(number).machine.kind, scripts: count('boot.script'), sessions: count('agent.session') },
    });
    return node;
  };

  it.each(rounds.map((steps) => [steps.map(({ step }) => step).join('; '), steps] as const))(
    'at: %s: discovered all the same',
    async (_, steps) => {
      const nodes = await Promise.all(steps.map(discoverWithKill));
      for (const [index, node] of nodes.entries()) {
        const { number = 0 } = steps[index] ?? {};
        const catalogs = await rack.get<{ source: string }[]>(`/api/current/nodes/${node.id}/catalogs`);
        expect(new Set(catalogs.map(({ source }) => source))).toEqual(new Set(sources));
        expect(node.summary.serial).toBe(identityOf(number).serial);
        expect(await rack.get(`/nodes/${node.id}/power`)).toEqual({ power: 'on' });
        // One run of one boot, and no task of it was done twice.
        const runs = await rack.get<ListedRun[]>(`/api/current/nodes/${node.id}/workflows`);
        expect(runs.map(({ injectableName, status }) => [injectableName, status])).toEqual([
          ['Graph.Discovery.Rackwright', 'succeeded'],
        ]);
        const serial = rack.serial(number);
        expect(serial.match(/RACKWRIGHT init/g)).toHaveLength(1);
        const work = serial.match(/RACKWRIGHT work \S+/g) ?? [];
        expect(work).toEqual([...new Set(work)]);
        await rack.lab.node(number).powerOff();
      }
    },
    2 * discoveryDeadlineMs,
  );
});

function killTable(rows: readonly KillRow[]): string {
  const cells = rows.map((row) => [
    ...[row.step, row.kind, `${row.killedAfter} s`, `${row.backAfter} s`, `${row.discoveredAfter} s`],
    ...[`${row.scripts} scripts, ${row.sessions} sessions; first: ${row.then}`],
  ]);
  const lines = textTable([['KILLED AT', 'NODE', 'AFTER', 'BACK IN', 'DISCOVERED', 'SEEN'], ...cells]);
  return `\n${lines.join('\n')}\n`;
}
