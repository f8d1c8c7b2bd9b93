import { z } from 'zod';
import { isAnswered, type FileOutcome } from '../../http/files.ts';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import type { SouthboundDeps } from '../deps.ts';
import { fileFact } from '../file-fact.ts';

/**
 * Public files for boot loaders: `loaders/` and `microkernel/`. Each delivery is a fact, and so is each that was not:
 * "the kernel is missing" is the commonest reason why a node does not boot.
 */
export function fileRoutes(deps: SouthboundDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/files/*path',
      summary: 'A loader, kernel or ramdisk; with ranges',
      operationId: 'bootFile',
      tag: 'boot',
      params: z.object({ path: z.array(z.string().max(200)).min(1).max(16) }),
      responses: { 200: 'the file', 206: 'the range asked for', 404: 'there is no such file' },
      handle: ({ params, peer }) => ({
        raw: async (request, response): Promise<RouteResponse | undefined> => {
          const [top = '', ...rest] = params.path;
          const path = params.path.join('/');
          const root = Object.hasOwn(deps.fileRoots, top) ? deps.fileRoots[top] : undefined;
          const head = request.method === 'HEAD';
          const started = deps.clock();
          const outcome: FileOutcome =
            root === undefined || rest.length === 0
              ? { kind: 'missing' }
              : await deps.sendFile(request, response, rest.join('/'), { root });
          const data = { path, seconds: (deps.clock() - started) / 1000 };
          if (!head) deps.record(fileFact(outcome, { what: path, data, about: { how: 'packet', address: peer } }));
          return isAnswered(outcome) ? undefined : { problem: { status: 404, detail: `there is no file ${path}` } };
        },
      }),
    }),
  ];
}
