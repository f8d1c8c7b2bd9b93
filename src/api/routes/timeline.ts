import { z } from 'zod';
import { defineRoute, type Route } from '../../http/route.ts';
import type { ApiDeps } from '../deps.ts';
import { withMachine } from './answers.ts';
import { factView } from './fact-view.ts';
import { byWord, diagnosisSchema, factSchema } from './schemas.ts';

/**
 * `/nodes/:id/timeline` and `/nodes/:id/diagnosis`: what happened, and why it did not boot. A machine that never came as
 * far as its script is no node yet; its MAC names it here all the same.
 */
export function timelineRoutes(deps: ApiDeps): Route[] {
  return [timeline(deps), diagnosis(deps)];
}

function timeline(deps: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:id/timeline',
    operationId: 'getNodeTimeline',
    summary: 'Everything that happened to a node, oldest first; as text with the verdict by format=text',
    tag: 'timeline',
    params: byWord,
    query: z.strictObject({ format: z.enum(['json', 'text'], 'must be json or text').optional() }),
    responses: { 200: z.object({ items: z.array(factSchema) }), 404: 'There is no such node' },
    handle: ({ params: { id }, query: { format } }) =>
      withMachine(deps, id, async (machine) => {
        if (format === 'text') {
          return { status: 200, text: await deps.why.text(machine), type: 'text/plain; charset=utf-8' };
        }
        return { status: 200, json: { items: (await deps.why.timeline(machine)).map(factView) } };
      }),
  });
}

function diagnosis(deps: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/nodes/:id/diagnosis',
    operationId: 'getNodeDiagnosis',
    summary: 'Why the node did not boot: ranked causes, their evidence, and the next check that would tell them apart',
    tag: 'timeline',
    params: byWord,
    responses: { 200: diagnosisSchema, 404: 'There is no such node' },
    handle: ({ params: { id } }) =>
      withMachine(deps, id, async (machine) => ({ status: 200, json: await deps.why.diagnosis(machine) })),
  });
}
