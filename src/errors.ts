/**
 * The few kinds of fault. Expected outcomes (a lost race, an unknown id, a refused login) are values, not errors; what
 * is thrown is a fault, and its message says what to do next, in words an operator can act on.
 */

/** Base of all our faults. `code` is stable and listed in docs/errors.md; `cause` is the fault beneath, if any. */
export class RackwrightError extends Error {
  readonly code: string;
  /** Whether trying the same thing again, later, may succeed. */
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** Input that cannot be accepted: names the field and what was expected of it. */
export class InputError extends RackwrightError {
  readonly field: string;

  constructor(field: string, expected: string, options: { cause?: unknown } = {}) {
    super('input', `${field}: ${expected}`, options);
    this.field = field;
  }
}

/** Bytes that are not what their protocol says. Codecs throw this and nothing else. */
export class MalformedError extends RackwrightError {
  constructor(message: string) {
    super('malformed', message);
  }
}

/** The message of anything that was thrown, with the messages of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}
