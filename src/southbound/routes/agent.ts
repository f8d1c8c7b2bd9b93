import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { readBody, readRawBody } from '../../http/body.ts';
import type { Problem } from '../../http/problem.ts';
import { defineRoute, type Route, type RouteResponse } from '../../http/route.ts';
import type { Boot } from '../../model/records.ts';
import { parseMac } from '../../net/mac.ts';
import { plainReportType, readPlainReport } from '../plain-report.ts';
import { wireWork, workScript, workScriptType } from '../wire-work.ts';
import type { AgentWorkItem } from '../../workflows/engine-interface.ts';
import { createBudget } from '../budget.ts';
import type { CommandResult } from '../../workflows/job.ts';
import { acceptReport } from '../report.ts';
import type { SouthboundDeps } from '../deps.ts';

/** The agent's side of docs/agent-protocol.md: session, work, report. */

/** How long a request for work waits: below the idle limits of proxies and firewalls. */
const longPollMs = 25_000;
/** All that one attempt's commands print, together with its JSON: 11 catalogs of a large machine are below 8 MiB. */
const reportLimit = 32 * 1024 * 1024;
/** For the reports of all nodes that are read at once; the others wait in their sockets. */
const reportsMemory = 4 * reportLimit;
/** For one report's bytes to come in: 2.3 Mbit/s for the largest. */
const reportMs = 120_000;

const sessionBody = z.object({
  bootId: z.string().max(64),
  secret: z.string().max(200),
  kernelBootId: z.string().min(1).max(64),
  uuid: z.string().max(64).optional(),
  macs: z.array(z.string().max(32)).min(1).max(256),
});

const flag = z.boolean().optional();
const commandResult = z.object({
  code: z.int(),
  stdout: z.string(),
  stderr: z.string(),
  timedOut: flag,
  truncated: flag,
  interrupted: flag,
});
const reportBody = z.object({ results: z.array(commandResult).max(1000) });

const attemptParams = z.object({
  runId: z.string().max(64),
  label: z.string().max(200),
  attempt: z.coerce.number().int().min(1),
});

export function agentRoutes(deps: SouthboundDeps): Route[] {
  return [scriptRoute(deps), sessionRoute(deps), workRoute(deps), reportRoute(deps)];
}

function scriptRoute({ agentScript }: SouthboundDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/agent/agent.sh',
    summary: 'The agent: a shell script that the discovery system runs',
    operationId: 'agentScript',
    tag: 'agent',
    responses: { 200: 'a POSIX shell script' },
    handle: async () => ({ status: 200, text: await readFile(agentScript, 'utf8'), type: 'text/x-shellscript' }),
  });
}

function sessionRoute(deps: SouthboundDeps): Route {
  return defineRoute({
    method: 'post',
    path: '/agent/session',
    summary: 'Exchanges the identity of a boot for a session',
    operationId: 'agentSession',
    tag: 'agent',
    body: sessionBody,
    responses: { 200: z.object({ session: z.string(), nodeId: z.string() }), 403: 'refused, for good' },
    async handle({ body, peer }) {
      const macs = body.macs.flatMap((text) => parseMac(text) ?? []);
      const uuid = body.uuid?.toLowerCase();
      const exchanged = await deps.boots.exchange({ ...body, uuid, macs, peer });
      const { boot } = exchanged;
      const about = { address: peer, ...(boot ? { mac: boot.mac, nodeId: boot.nodeId } : {}) };
      if (!exchanged.ok) {
        deps.record({
          kind: 'agent.refused',
          how: 'packet',
          text: `an agent was refused: ${exchanged.reason}`,
          ...about,
        });
        return { problem: { status: 403, detail: exchanged.reason } };
      }
      const { nodeId, id: bootId } = exchanged.boot;
      await deps.confirmNode(nodeId, { macs, uuid });
      deps.record({ kind: 'agent.session', how: 'token', text: 'the agent has a session', ...about, data: { bootId } });
      await deps.engine.session(nodeId, bootId);
      return { status: 200, json: { session: exchanged.session, nodeId }, headers: { 'cache-control': 'no-store' } };
    },
  });
}

function workRoute(deps: SouthboundDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/agent/work',
    summary: 'The next task for the agent; waits up to 25 s for one',
    operationId: 'agentWork',
    tag: 'agent',
    responses: {
      200: 'a task',
      204: 'nothing yet: ask again',
      401: 'the session is over: exchange the identity again',
    },
    async handle({ headers, peer, signal }) {
      const boot = await bootOf(deps, headers.authorization, peer);
      if (!boot) return unauthorized;
      const work = await waitForWork(deps, boot, signal);
      if (!work) return { status: 204, empty: true };
      const { runId, label, attempt } = work;
      const { nodeId, mac } = boot;
      deps.record({
        kind: 'agent.work',
        how: 'token',
        text: `the agent took the task '${label}'`,
        mac,
        nodeId,
        runId,
        data: { label, attempt },
      });
      const json = wireWork(work);
      const answer = { status: 200, headers: { 'cache-control': 'no-store', vary: 'accept' } };
      if (headers.accept !== workScriptType) return { ...answer, json };
      return { ...answer, text: workScript(json), type: workScriptType };
    },
  });
}

function reportRoute(deps: SouthboundDeps): Route {
  const memory = createBudget(reportsMemory);
  return defineRoute({
    method: 'post',
    path: '/agent/attempts/:runId/:label/:attempt',
    summary: "Delivers a task's results",
    operationId: 'agentReport',
    tag: 'agent',
    params: attemptParams,
    // Read by the handler: a body of that size is taken from those only who have a session, and a few at a time.
    bodyKind: 'stream',
    responses: { 204: 'accepted, now or before', 401: 'the session is over', 409: 'no such open attempt: drop it' },
    async handle({ params, headers, peer, signal, stream }) {
      const boot = await bootOf(deps, headers.authorization, peer);
      if (!boot) return unauthorized;
      const bytes = Number(headers['content-length'] ?? reportLimit);
      const answer = await memory.spend(Math.min(bytes, reportLimit), signal, async (): Promise<RouteResponse> => {
        const read = await readReport(stream);
        if (!read.ok) return { problem: read.problem };
        const accepted = await acceptReport(deps, { boot, ...params, results: read.results });
        if (accepted !== 'stale') return { status: 204, empty: true };
        return { problem: { status: 409, detail: 'there is no such open attempt of this node' } };
      });
      return answer ?? { problem: { status: 503, detail: 'the server stops; deliver again later' } };
    },
  });
}

type ReadReport = { ok: true; results: readonly CommandResult[] } | { ok: false; problem: Problem };

async function readReport(stream: IncomingMessage): Promise<ReadReport> {
  // Who sends a byte now and then keeps its share of the memory no longer than this.
  const late = setTimeout(() => stream.destroy(), reportMs);
  try {
    if (stream.headers['content-type'] === plainReportType) return await readPlain(stream);
    const read = await readBody(stream, 'json', reportLimit);
    if (!read.ok) return read;
    const parsed = reportBody.safeParse(read.value);
    if (parsed.success) return { ok: true, results: parsed.data.results };
    return { ok: false, problem: { status: 400, detail: z.prettifyError(parsed.error).slice(0, 1000) } };
  } finally {
    clearTimeout(late);
  }
}

async function readPlain(stream: IncomingMessage): Promise<ReadReport> {
  const read = await readRawBody(stream, reportLimit);
  if (!read.ok) return read;
  const report = readPlainReport(read.bytes);
  if (report.ok) return report;
  const detail = `The report is damaged at byte ${report.offset}: expected ${report.expected}.`;
  return { ok: false, problem: { status: 400, detail } };
}

const unauthorized: RouteResponse = { problem: { status: 401, detail: 'there is no such session at this address' } };

async function bootOf(
  deps: SouthboundDeps,
  authorization: string | undefined,
  peer: string,
): Promise<Boot | undefined> {
  const token = /^Bearer ([\w-]{20,200})$/.exec(authorization ?? '')?.[1];
  return token === undefined ? undefined : deps.boots.session(token, peer);
}

async function waitForWork(deps: SouthboundDeps, boot: Boot, gone: AbortSignal): Promise<AgentWorkItem | undefined> {
  const enough = AbortSignal.any([gone, AbortSignal.timeout(longPollMs)]);
  for (;;) {
    const work = await deps.engine.workFor(boot.nodeId, boot.id);
    // Nobody is there to take it: the next who asks does.
    if (gone.aborted) return undefined;
    if (work || enough.aborted) return work;
    await deps.engine.changed(boot.nodeId, enough);
  }
}
