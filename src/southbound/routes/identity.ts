import { z } from 'zod';
import { defineRoute, type Route } from '../../http/route.ts';
import { cpioArchive } from '../cpio.ts';
import type { SouthboundDeps } from '../deps.ts';

/** The identity of one boot, as a ramdisk: never on the kernel's command line, which serial logs show. */
export function identityRoutes(deps: SouthboundDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/boot/:bootId/identity.cpio',
      summary: 'The identity file of this boot, in a ramdisk',
      operationId: 'bootIdentity',
      tag: 'boot',
      params: z.object({ bootId: z.string().max(64) }),
      responses: { 200: 'a cpio archive', 403: 'not the address of this boot, too late, or exchanged already' },
      async handle({ params, peer }) {
        const issued = await deps.boots.issueIdentity(params.bootId, peer);
        const { boot } = issued;
        const about = { address: peer, ...(boot ? { mac: boot.mac, nodeId: boot.nodeId } : {}) };
        if (!issued.ok) {
          const text = `the identity of boot ${params.bootId} was refused: ${issued.reason}`;
          deps.record({ kind: 'boot.identity-refused', how: 'packet', text, ...about });
          return { problem: { status: 403, detail: issued.reason } };
        }
        const { id: bootId, nodeId } = issued.boot;
        const identity = JSON.stringify({ url: deps.url, nodeId, bootId, secret: issued.secret });
        deps.record({
          kind: 'boot.identity',
          how: 'packet',
          text: 'the identity of this boot was delivered',
          ...about,
        });
        return {
          status: 200,
          bytes: cpioArchive([{ path: 'rackwright/identity.json', text: `${identity}\n`, mode: 0o600 }]),
          type: 'application/octet-stream',
          headers: { 'cache-control': 'no-store' },
        };
      },
    }),
  ];
}
