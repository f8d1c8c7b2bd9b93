import { parse } from 'yaml';
import { configSchema } from '../../src/config-schema.ts';
import { serverConfig, socketUrl } from '../../src/lab/server-config.ts';
import { labPaths } from '../../src/lab/state.ts';

const settings = { paths: labPaths('x'), adminPort: 9191, microkernelDir: '/mk' };

describe('configuration of a lab’s server', () => {
  it('is one that the server takes, answering on the lab’s network alone', () => {
    const config = configSchema.parse(parse(serverConfig(settings)));
    expect(config.admin).toMatchObject({
      address: '127.0.0.1',
      port: 9191,
      socket: '/tmp/rackwright-lab-x/admin.sock',
    });
    expect(config.southbound.subnets).toEqual([
      expect.objectContaining({ cidr: '172.31.128.0/24', addresses: true, boot: true }),
    ]);
    expect(config.southbound.allowOtherServers).toBe(true);
    expect(config.store).toBe('sqlite');
  });

  it('reaches MongoDB by way of a socket, keeping login, database and options', () => {
    const config = configSchema.parse(parse(serverConfig({ ...settings, mongodbUrl: 'mongodb://localhost:27018/db' })));
    expect(config.mongodb.url).toBe('mongodb://%2Ftmp%2Frackwright-lab-x%2Fmongodb.sock/db?directConnection=true');
    expect(config.mongodb.database).toBe('db');
    expect(socketUrl('mongodb://u:p%40@h:1/d?authSource=admin', '/s')).toBe(
      'mongodb://u:p%40@%2Fs/d?authSource=admin&directConnection=true',
    );
    expect(socketUrl('mongodb://h', '/s')).toBe('mongodb://%2Fs/?directConnection=true');
  });
});
