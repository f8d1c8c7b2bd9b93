import type { IncomingMessage, ServerResponse } from 'node:http';
import { readPlainReport } from '../../src/southbound/plain-report.ts';
import { workScript, type WireWork } from '../../src/southbound/wire-work.ts';
import type { CommandResult } from '../../src/workflows/job.ts';
import { createRestartableServer, type RestartableServer } from '../support/restartable-server.ts';

/** A request that the agent made. */
export interface AgentRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Buffer;
}

/** What the fake answers; `cut` breaks the connection, `hold` leaves the request open. */
export type Answer = { readonly status: number; readonly body?: unknown } | 'cut' | 'hold';

export interface Report {
  readonly results: readonly CommandResult[];
}

/** A task for the agent; a string is handed out as it is. */
export type FakeWork = string | (Pick<WireWork, 'attempt' | 'commands'> & Partial<WireWork>);

/** The server's side of docs/agent-protocol.md, with as much of it as one agent needs, and any fault a test wants. */
export interface FakeSouthbound extends RestartableServer {
  readonly requests: AgentRequest[];
  /** Work to hand out, oldest first; without any, the poll is held. */
  readonly work: FakeWork[];
  /** Decides before the fake does; undefined leaves the answer to the fake. */
  answer: (request: AgentRequest) => Answer | undefined;
  /** Resolves with the first request, counted from the start, that fits; fails after 20 s. */
  readonly request: (fits: (request: AgentRequest) => boolean, nth?: number) => Promise<AgentRequest>;
  /** The report of an attempt, as soon as it is delivered for the nth time. */
  readonly report: (attempt: string, nth?: number) => Promise<Report>;
}

const read = async (message: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

export const isSession = (request: AgentRequest): boolean => request.path === '/agent/session';
export const isWork = (request: AgentRequest): boolean => request.path === '/agent/work';

const asScript = (work: FakeWork): string =>
  typeof work === 'string' ? work : workScript({ environment: {}, timeoutSeconds: 600, ...work });

export function createFakeSouthbound(): FakeSouthbound {
  const held = new Set<ServerResponse>();
  let sessions = 0;

  const usual = (request: AgentRequest): Answer => {
    if (isSession(request)) return { status: 200, body: { session: `session-${++sessions}`, nodeId: 'node-1' } };
    if (request.authorization !== `Bearer session-${sessions}`) return { status: 401 };
    if (!isWork(request)) return { status: 204 };
    const next = fake.work.shift();
    return next === undefined ? 'hold' : { status: 200, body: asScript(next) };
  };
  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request: AgentRequest = {
      method: message.method ?? '',
      path: message.url ?? '',
      authorization: message.headers.authorization,
      body: await read(message),
    };
    const answer = fake.answer(request) ?? usual(request);
    fake.requests.push(request);
    if (answer === 'cut') message.socket.destroy();
    else if (answer === 'hold') held.add(response);
    else {
      response.statusCode = answer.status;
      response.end(typeof answer.body === 'string' ? answer.body : answer.body && JSON.stringify(answer.body));
    }
  };

  const listening = createRestartableServer(serve);
  const fake: FakeSouthbound = {
    ...listening,
    requests: [],
    work: [],
    answer: () => undefined,
    async request(fits, nth = 1) {
      for (const deadline = Date.now() + 20_000; Date.now() < deadline; await new Promise((go) => setTimeout(go, 20))) {
        const found = fake.requests.filter(fits)[nth - 1];
        if (found) return found;
      }
      throw new Error(`no such request; there were: ${fake.requests.map((r) => `${r.method} ${r.path}`).join(', ')}`);
    },
    async report(attempt, nth) {
      const { body } = await fake.request(({ path }) => path === `/agent/attempts/${attempt}`, nth);
      const report = readPlainReport(body);
      if (!report.ok) throw new Error(`at byte ${report.offset}: expected ${report.expected}`);
      return { results: report.results };
    },
    async kill() {
      await listening.kill();
      held.clear();
    },
  };
  return fake;
}
