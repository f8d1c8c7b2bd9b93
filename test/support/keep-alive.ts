import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What came of a load: the times of single answers in milliseconds, and the length of the shortest body. */
export interface LoadResult {
  readonly perSecond: number;
  readonly timesMs: readonly number[];
  readonly shortestBody: number;
}

interface Answer {
  readonly status: number;
  readonly bodyBytes: number;
}

/**
 * Asks for one path again and again on keep-alive connections, one request under way on each. It reads no more of an
 * answer than status, length and the number of bytes, so that on one machine with the server it takes little from it.
 * Answers need a Content-Length and status 200; anything else throws.
 */
export async function askRepeatedly(options: {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly milliseconds: number;
}): Promise<LoadResult> {
  const { port, path, connections, milliseconds } = options;
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const timesMs: number[] = [];
  let shortestBody = Number.POSITIVE_INFINITY;
  const begin = performance.now();
  const one = async (): Promise<void> => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    const ask = createAsker(socket, request);
    while (performance.now() - begin < milliseconds) {
      const asked = performance.now();
      const { status, bodyBytes } = await ask();
      if (status !== 200) throw new Error(`${path}: ${status}`);
      timesMs.push(performance.now() - asked);
      shortestBody = Math.min(shortestBody, bodyBytes);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, one));
  return { perSecond: (timesMs.length * 1000) / (performance.now() - begin), timesMs, shortestBody };
}

function createAsker(socket: Socket, request: string): () => Promise<Answer> {
  let settle: PromiseWithResolvers<Answer> | undefined;
  let head = '';
  let answer: Answer | undefined;
  let missing = 0;
  socket.on('data', (chunk) => {
    if (answer === undefined) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? NaN);
      if (Number.isNaN(length)) {
        socket.destroy(new Error(`an answer without Content-Length: ${head.slice(0, end)}`));
        return;
      }
      answer = { status: Number(head.split(' ', 2)[1]), bodyBytes: length };
      missing = length - (head.length - end - 4);
    } else {
      missing -= chunk.length;
    }
    if (missing > 0) return;
    const whole = answer;
    [answer, head] = [undefined, ''];
    settle?.resolve(whole);
  });
  socket.on('error', (error) => {
    settle?.reject(error);
  });
  socket.on('close', () => {
    settle?.reject(new Error('the server closed the connection'));
  });
  return () => {
    settle = Promise.withResolvers();
    socket.write(request);
    return settle.promise;
  };
}
