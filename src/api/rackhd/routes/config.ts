import { z } from 'zod';
import { defineRoute, type Route } from '../../../http/route.ts';
import type { ApiDeps } from '../../deps.ts';
import { hideSecrets } from '../../secrets.ts';
import { basePath } from '../views.ts';

/**
 * RackHD's `/config`. What a client sets is shown until the server ends and changes nothing else: the configuration
 * file is the truth. (RackHD's own PATCH is in memory, too.)
 */
export function configRoutes({ configView }: ApiDeps): Route[] {
  let shown: Readonly<Record<string, unknown>> = {};
  const view = (): unknown => hideSecrets({ ...configView(), ...shown });
  const set = (method: 'put' | 'patch', operationId: string): Route =>
    defineRoute({
      method,
      path: '/config',
      operationId,
      summary: 'Patch server configuration, as it is shown',
      tag: basePath,
      body: z.record(z.string(), z.unknown()),
      responses: { 200: 'Successfully patched configuration' },
      handle: ({ body }) => {
        shown = { ...shown, ...(hideSecrets(body) as Record<string, unknown>) };
        return { status: 200, json: view() };
      },
    });
  return [
    defineRoute({
      method: 'get',
      path: '/config',
      operationId: 'configGet',
      summary: 'Get server configuration',
      tag: basePath,
      responses: { 200: 'Successfully retrieved configuration' },
      handle: () => ({ status: 200, json: view() }),
    }),
    set('put', 'configPut'),
    set('patch', 'configPatch'),
  ];
}
