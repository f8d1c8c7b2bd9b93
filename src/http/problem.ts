import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { describeError, InputError, RackwrightError } from '../errors.ts';

/** One field of the request that was not as it should be. */
export interface FieldProblem {
  /** Where: `body.tags[0]`, `query.$skip`, `params.id`. */
  readonly field: string;
  /** What was expected there. */
  readonly expected: string;
}

/** Why a request was not answered as asked; how it is written is the listener's choice (`FormatProblem`). */
export interface Problem {
  readonly status: number;
  /** One sentence for the caller: what was wrong, and where possible what to do. */
  readonly detail: string;
  /** Relative URI of the kind of problem; `about:blank` (the status says it all) where absent. */
  readonly type?: string;
  readonly errors?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes a problem in an API's own form. */
export type FormatProblem = (
  problem: Problem,
  request: IncomingMessage,
) => { readonly type: string; readonly json: unknown };

/** The default form: RFC 9457. */
export const formatRfc9457: FormatProblem = ({ status, detail, type, errors }) => ({
  type: 'application/problem+json',
  json: {
    type: type ?? 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    ...(errors && { errors }),
  },
});

/**
 * The problem that a thrown fault stands for. The text of a fault that is ours may be told; anything else is told as an
 * internal error with the `reference` under which it is in the log.
 */
export function problemOf(error: unknown, reference: string): Problem {
  if (error instanceof InputError) {
    return { status: 400, detail: error.message, errors: [{ field: error.field, expected: error.message }] };
  }
  if (error instanceof RackwrightError && error.retryable) {
    return { status: 503, detail: describeError(error), headers: { 'retry-after': '5' } };
  }
  const status = clientErrorStatus(error);
  if (status !== undefined) return { status, detail: describeError(error) };
  return { status: 500, detail: `The server failed to answer; its log says why, at reference ${reference}.` };
}

/** The 4xx status that Express and its packages put on errors that are the client's (a path that cannot be decoded). */
function clientErrorStatus(error: unknown): number | undefined {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
