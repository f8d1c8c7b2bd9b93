import type { FileOutcome } from '../http/files.ts';
import type { SouthboundDeps } from './deps.ts';

type FactInput = Parameters<SouthboundDeps['record']>[0];

/**
 * What is known of a file that was asked for over HTTP. `what` names it in a sentence, `data` in the fact; `about` says who
 * asked and how we know.
 */
export function fileFact(
  outcome: FileOutcome,
  { what, data, about }: { what: string; data: FactInput['data']; about: Omit<FactInput, 'kind' | 'text' | 'data'> },
): FactInput {
  switch (outcome.kind) {
    case 'answered': {
      const { status, bytes, complete } = outcome;
      const told = { ...about, data: { ...data, status, bytes } };
      if (complete) return { kind: 'boot.file', text: `${what} was fetched over HTTP, ${bytes} bytes`, ...told };
      const text = status >= 400 ? `${what} was not delivered (${status})` : `${what} broke off after ${bytes} bytes`;
      return { kind: 'boot.file-failed', text, ...told };
    }
    case 'handed-over': {
      const text = `${what} was handed to the proxy in front; how many bytes it sent, only its own log says`;
      return { kind: 'boot.file', text, ...about, data: { ...data, proxied: true } };
    }
    default: {
      const text = `${what} was asked for over HTTP and is not there (404)`;
      return { kind: 'boot.file-failed', text, ...about, data: { ...data, status: 404 } };
    }
  }
}
