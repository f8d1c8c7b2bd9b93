import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRestartableServer, type RestartableServer } from './restartable-server.ts';

/** What a node may fetch of its deployment, with every fault that a test wants. */
export interface DeployServer extends RestartableServer {
  /** What is served as the image; may be changed while it is being fetched. */
  image: Buffer;
  readonly documents: Record<string, string>;
  /** Bytes after which each of the next answers breaks off, oldest first. */
  readonly cuts: number[];
  /** Bytes a second; 0: as fast as it goes. */
  rate: number;
  /** Answers requests for the image with this status, where set. */
  imageStatus: number | undefined;
  /** `Range` of each request for the image. */
  readonly ranges: (string | undefined)[];
  readonly progress: { step: string; bytes: number; total: number }[];
  /** Status of the answer to progress. */
  progressStatus: number;
}

export const deployToken = 'token-of-this-deployment';

/** Resolves when more can be written, or nobody reads any more. */
async function drained(response: ServerResponse): Promise<void> {
  const end = new AbortController();
  const { signal } = end;
  const first = Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  await first.finally(() => {
    end.abort();
  });
}

export function createDeployServer(): DeployServer {
  const sendImage = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { range } = request.headers;
    fake.ranges.push(range);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (from >= fake.image.length) {
      response.writeHead(416).end();
      return;
    }
    const bytes = fake.image.subarray(from);
    const cut = fake.cuts.shift() ?? Number.POSITIVE_INFINITY;
    response.writeHead(206, { 'content-length': bytes.length });
    const piece = fake.rate > 0 ? Math.ceil(fake.rate / 20) : 65_536;
    for (let at = 0; at < bytes.length && !response.destroyed; at += piece) {
      if (at >= cut) {
        response.destroy();
        return;
      }
      if (!response.write(bytes.subarray(at, at + piece))) await drained(response);
      if (fake.rate > 0) await new Promise((go) => setTimeout(go, 50));
    }
    response.end();
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, top, token, what, name = ''] = (request.url ?? '').split('/');
    if (top !== 'deploy' || token !== deployToken) response.writeHead(404).end();
    else if (what === 'image' && fake.imageStatus !== undefined) response.writeHead(fake.imageStatus).end();
    else if (what === 'image') await sendImage(request, response);
    else if (what === 'progress') {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      fake.progress.push(JSON.parse(Buffer.concat(parts).toString()) as DeployServer['progress'][number]);
      response.writeHead(fake.progressStatus).end();
    } else if (what === 'disk-seed' && fake.documents[name] !== undefined) response.end(fake.documents[name]);
    else response.writeHead(404).end();
  };

  const fake: DeployServer = {
    ...createRestartableServer(serve),
    image: Buffer.alloc(0),
    documents: {},
    cuts: [],
    rate: 0,
    imageStatus: undefined,
    ranges: [],
    progress: [],
    progressStatus: 204,
  };
  return fake;
}
