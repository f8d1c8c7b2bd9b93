import { isMap, LineCounter, parseDocument } from 'yaml';

/** cloud-init's user data: what kinds there are, and whether a text can be one. */

/** cloud-init takes 16 KiB on some clouds; ours are bounded by what is kept in a document. */
export const userDataLimit = 64 * 1024;

/**
 * How a text begins -> its MIME type, the longest first (cloud-init's `handlers/__init__.py`, INCLUSION_TYPES_MAP).
 */
const beginnings: readonly (readonly [beginning: string, type: string])[] = [
  ['#cloud-config-archive', 'text/cloud-config-archive'],
  ['#cloud-config-jsonp', 'text/cloud-config-jsonp'],
  ['#cloud-config', 'text/cloud-config'],
  ['#cloud-boothook', 'text/cloud-boothook'],
  ['#include-once', 'text/x-include-once-url'],
  ['#include', 'text/x-include-url'],
  ['#part-handler', 'text/part-handler'],
  ['## template: jinja', 'text/jinja2'],
  ['#!', 'text/x-shellscript'],
];

/** A text's type by its beginning; `multipart` for one that brings MIME headers of its own; undefined: none of them. */
export function userDataType(text: string): string | undefined {
  const start = text.trimStart();
  if (/^(content-type:[ \t]*multipart\/|mime-version:)/i.test(start)) return 'multipart';
  return beginnings.find(([beginning]) => start.startsWith(beginning))?.[1];
}

/** Why a text is no user data, in words that fit after the name of the field; undefined: it can be one. */
export function userDataProblem(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > userDataLimit) return `must have at most ${userDataLimit} bytes; it has ${bytes}`;
  if (text.includes('\0')) return 'must be text; it has a NUL byte in it';
  const type = userDataType(text);
  if (type === undefined) {
    return 'must begin with #cloud-config, #! (a script), #include, #cloud-boothook, ## template: jinja, or be a MIME multi-part message';
  }
  return type === 'text/cloud-config' ? cloudConfigProblem(text) : undefined;
}

/** cloud-init reads YAML 1.1, and skips a document that it cannot read: the machine would come up without it. */
function cloudConfigProblem(text: string): string | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.1', lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    return `is not valid YAML at line ${line}, column ${col}: ${(error.message.split('\n')[0] ?? '').slice(0, 200)}`;
  }
  const isEmpty = document.contents === null;
  return isEmpty || isMap(document.contents) ? undefined : 'must be a YAML mapping (`key: value`) after #cloud-config';
}
