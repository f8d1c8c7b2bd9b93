import { z } from 'zod';
import { defineRoute, type Route } from '../../http/route.ts';
import type { ApiDeps } from '../deps.ts';

const healthSchema = z.object({
  ok: z.boolean(),
  parts: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
});

/** `/metrics` and `/healthz`. */
export function systemRoutes({ metrics, health }: ApiDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      summary: 'Metrics in the text form of Prometheus',
      tag: 'system',
      responses: { 200: 'text/plain; version=0.0.4' },
      handle: async () => ({ status: 200, text: await metrics(), type: 'text/plain; version=0.0.4; charset=utf-8' }),
    }),
    defineRoute({
      method: 'get',
      path: '/healthz',
      operationId: 'getHealth',
      summary: 'Whether the server can do its work, part by part',
      tag: 'system',
      responses: { 200: healthSchema, 503: healthSchema },
      handle: async () => {
        const state = await health();
        return { status: state.ok ? 200 : 503, json: state, headers: { 'cache-control': 'no-store' } };
      },
    }),
  ];
}
