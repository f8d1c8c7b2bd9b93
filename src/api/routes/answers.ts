import type { z } from 'zod';
import type { RouteResponse } from '../../http/route.ts';
import type { Node } from '../../model/node.ts';
import { parseMac } from '../../net/mac.ts';
import type { ApiDeps, Machine } from '../deps.ts';
import { findNode, nodeById } from '../find-node.ts';

/** Answers that many routes of ours give. */

export function problem(status: number, detail: string, headers?: Readonly<Record<string, string>>): RouteResponse {
  return { problem: { status, detail, ...(headers === undefined ? {} : { headers }) } };
}

/** What was wrong with input that a handler parses by itself; `part` is where it stood. */
export function invalidAnswer(part: string, { issues }: z.ZodError): RouteResponse {
  const errors = issues.flatMap((issue) => {
    const field = [part, ...issue.path].join('.');
    if (issue.code !== 'unrecognized_keys') return [{ field, expected: issue.message }];
    return issue.keys.map((key) => ({ field: `${field}.${key}`, expected: 'no such field' }));
  });
  const detail = errors.map(({ field, expected }) => `${field}: ${expected}`).join('; ');
  return { problem: { status: 400, detail, errors } };
}

/** Answers with the node that a word names; says so where it names none, or several. For reading. */
export async function withNode(
  { store }: ApiDeps,
  word: string,
  answer: (node: Node) => Promise<RouteResponse> | RouteResponse,
): Promise<RouteResponse> {
  const found = await findNode(store, word);
  if (found.kind === 'node') return answer(found.node);
  return found.kind === 'none'
    ? problem(404, `No node has '${word}' as its id, name, serial number, MAC or address.`)
    : problem(409, `'${word}' fits several nodes: use one of the ids ${found.ids.join(', ')}.`);
}

/** As `withNode`; a MAC that is no node's stands for the machine that has it. */
export async function withMachine(
  deps: ApiDeps,
  word: string,
  answer: (machine: Node | Machine) => Promise<RouteResponse> | RouteResponse,
): Promise<RouteResponse> {
  const mac = parseMac(word);
  if (mac !== undefined && (await findNode(deps.store, word)).kind === 'none') return answer({ id: mac });
  return withNode(deps, word, answer);
}

/** Answers with the node of this id. For everything that changes a node. */
export async function withNodeId(
  { store }: ApiDeps,
  id: string,
  answer: (node: Node) => Promise<RouteResponse> | RouteResponse,
): Promise<RouteResponse> {
  const node = await nodeById(store, id);
  return node === undefined
    ? problem(404, `No node has the id '${id}'. What changes a node takes its id, which GET /nodes/${id} may tell.`)
    : answer(node);
}
