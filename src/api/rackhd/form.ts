import { randomUUID } from 'node:crypto';
import type { FormatProblem } from '../../http/problem.ts';
import type { RouteResponse } from '../../http/route.ts';

/** RackHD's error body: `status` is text and `UUID` is in capitals. */
export const formatRackhdError: FormatProblem = ({ status, detail, errors }) => ({
  type: 'application/json; charset=utf-8',
  json: {
    message: detail,
    status: String(status),
    UUID: randomUUID(),
    ...(errors && { errors: errors.map(({ field, expected }) => `${field}: ${expected}`) }),
  },
});

export function notFound(detail: string): RouteResponse {
  return { problem: { status: 404, detail } };
}

export function badRequest(detail: string): RouteResponse {
  return { problem: { status: 400, detail } };
}

export function nodeNotFound(id: string): RouteResponse {
  return notFound(`Node not Found ${id}`);
}

export const noContent: RouteResponse = { status: 204, empty: true };
