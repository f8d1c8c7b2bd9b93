import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../src/errors.ts';
import { imageName } from '../../src/lab/add-image.ts';
import { deployNode } from '../../src/lab/deploy.ts';
import { nodeIdentity } from '../../src/lab/identity.ts';
import type { ServerApi } from '../../src/lab/server-api.ts';
import { createServerApi } from '../../src/lab/server-api.ts';
import { sshCommand } from '../../src/lab/ssh.ts';
import type { LabStatus } from '../../src/lab/status.ts';

const { mac } = nodeIdentity(1);

/** The admin side, as far as a deploy asks it before the run begins. */
describe('a deploy in the lab', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lab-deploy-'));
  const image = join(dir, 'debian-12.raw.zst');
  const sha256 = createHash('sha256').update('an image').digest('hex');
  const asked: string[] = [];
  const answers = new Map<string, { status: number; body: unknown }>();
  let server: Server;
  let api: ServerApi;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const piece of request) body += String(piece);
    const call = `${request.method ?? ''} ${request.url ?? ''}`;
    asked.push(body === '' ? call : `${call} ${body}`);
    const answer = answers.get(call) ?? { status: 404, body: { detail: 'There is nothing here.' } };
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  };

  beforeAll(async () => {
    writeFileSync(image, 'an image');
    server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    api = createServerApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  beforeEach(() => {
    asked.length = 0;
    answers.clear();
    answers.set(`GET /nodes/${mac}`, { status: 200, body: { id: 'n1' } });
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  });

  const status: LabStatus = {
    name: 'lab',
    directory: dir,
    enter: [],
    nodes: [
      {
        ...{ number: 1, kind: 'uefi', power: 'on', mac, uuid: '', bmcAddress: '', serialLog: '', bmcCommands: 0 },
        disks: [{ bus: 'scsi', gib: 4, serial: 'LAB00001-D0' }],
      },
    ],
  };
  const said: string[] = [];
  const deploy = async (request: { node?: number; image?: string; key?: string }): Promise<unknown> =>
    await deployNode(
      { node: 1, image, key: join(dir, 'key'), ...request },
      {
        ...{ status, api, now: () => new Date(0), deadlineMs: 1000 },
        painter: { paint: () => undefined, say: (line) => said.push(line) },
      },
    );

  it('names the nodes that there are', async () => {
    await expect(deploy({ node: 2 })).rejects.toThrow(new InputError('node', 'expected 1 to 1, got 2'));
    expect(asked).toEqual([]);
  });

  it('says that a node has not booted from the server, and what tells why', async () => {
    answers.clear();
    await expect(deploy({})).rejects.toThrow(
      `node 1 is not discovered: it has not booted from the server. rackwright why ${mac}`,
    );
  });

  it('says how to build an image that is not there', async () => {
    await expect(deploy({ image: join(dir, 'none.raw') })).rejects.toThrow(/there is no image .*none\.raw: make image/);
  });

  it('takes no file for a key that is none', async () => {
    answers.set(`GET /images?sha256=${sha256}`, { status: 200, body: { items: [{ name: 'known' }] } });
    await expect(deploy({ key: image })).rejects.toThrow(/key: expected a file with a private key/);
  });

  it('sends an image that the server does not have, whole and with its checksum, and passes on why it is refused', async () => {
    const name = imageName(image, sha256);
    const put = `PUT /images/${name}?sha256=${sha256}`;
    answers.set(`GET /images?sha256=${sha256}`, { status: 200, body: { items: [] } });
    answers.set(put, { status: 422, body: { detail: 'It is no disk image.' } });
    await expect(deploy({})).rejects.toMatchObject({ code: 'server', message: 'It is no disk image.' });
    expect(asked).toEqual([
      `GET /nodes/${mac}`,
      `GET /images?sha256=${sha256}`,
      `GET /images/${name}`,
      `${put} an image`,
    ]);
    expect(said).toEqual([`the server takes debian-12.raw.zst (0 MB) as image ${name}`]);
  });
});

describe('what a deploy calls things', () => {
  it.each([
    ['/x/debian-12.raw.zst', 'debian-12-01234567'],
    ['My Image (2).QCOW2', 'my-image-2-01234567'],
    ['.raw', 'image-01234567'],
    [`${'a'.repeat(90)}.img`, `${'a'.repeat(50)}-01234567`],
  ])('the image in %s is %s', (file, name) => {
    expect(imageName(file, '0123456789abcdef')).toBe(name);
    expect(name).toMatch(/^[a-z0-9][a-z0-9._-]{0,62}$/);
  });

  it('a login never asks anybody, and keeps no host key', () => {
    const command = sshCommand({ user: 'lab', address: '172.31.128.50', keyFile: '/k' }, ['uname']).join(' ');
    expect(command).toMatch(
      /^ssh -i \/k .*BatchMode=yes.*UserKnownHostsFile=\/dev\/null.* lab@172\.31\.128\.50 uname$/,
    );
  });
});
