import { z } from 'zod';
import { defineRoute, type Route } from '../../http/route.ts';
import { present } from '../present.ts';
import type { ApiDeps } from '../deps.ts';
import { defaultLimit, leaseSchema, pageSchema, paging } from './schemas.ts';

/** `/leases`: the addresses that clients hold. */
export function leasesRoutes({ store }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/leases',
      operationId: 'listLeases',
      summary: 'The addresses that we gave out',
      tag: 'leases',
      query: z.strictObject({ ...paging, subnet: z.string().optional(), mac: z.string().optional() }),
      responses: { 200: pageSchema(leaseSchema) },
      handle: async ({ query: { limit = defaultLimit, cursor, subnet, mac } }) => {
        const page = await store.leases.find({
          where: present({ subnet, mac }),
          limit,
          ...(cursor === undefined ? {} : { after: cursor }),
        });
        const macs = page.items.map((lease) => lease.mac);
        const lookups = await store.lookups.find({ where: { macAddress: { in: macs } }, limit });
        const owners = new Map(lookups.items.map(({ macAddress, node }) => [macAddress, node]));
        const items = page.items.map((lease) =>
          present({
            address: lease.address,
            mac: lease.mac,
            subnet: lease.subnet,
            state: lease.state,
            expiresAt: lease.expiresAt,
            hostname: lease.hostname,
            uuid: lease.uuid,
            nodeId: owners.get(lease.mac),
          }),
        );
        return { status: 200, json: page.next === undefined ? { items } : { items, next: page.next } };
      },
    }),
  ];
}
