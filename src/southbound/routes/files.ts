import { z } from 'zod';
import { sendFile, type FileOutcome } from '../../http/files.ts';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import type { SouthboundDeps } from '../deps.ts';

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
              : await sendFile(request, response, rest.join('/'), { root });
          if (!head) deps.record(fileFact(outcome, { path, peer, seconds: (deps.clock() - started) / 1000 }));
          return outcome.kind === 'answered'
            ? undefined
            : { problem: { status: 404, detail: `there is no file ${path}` } };
        },
      }),
    }),
  ];
}

function fileFact(
  outcome: FileOutcome,
  { path, peer, seconds }: { path: string; peer: string; seconds: number },
): Parameters<SouthboundDeps['record']>[0] {
  const about = { how: 'packet', address: peer } as const;
  if (outcome.kind !== 'answered') {
    const text = `${path} was asked for over HTTP and is not there (404)`;
    return { kind: 'boot.file-failed', text, ...about, data: { path, status: 404 } };
  }
  const { status, bytes, complete } = outcome;
  const data = { path, status, bytes, seconds };
  if (complete) return { kind: 'boot.file', text: `${path} was fetched over HTTP, ${bytes} bytes`, ...about, data };
  const text = status >= 400 ? `${path} was not delivered (${status})` : `${path} broke off after ${bytes} bytes`;
  return { kind: 'boot.file-failed', text, ...about, data };
}
