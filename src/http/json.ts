/** Nesting deeper than this is refused: nothing of ours needs it, and recursive readers would run out of stack. */
const maxDepth = 128;

export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly expected: string; readonly line: number; readonly column: number };

/** Parses JSON text (RFC 8259); text that is none is answered with the place, counted from 1, and what was expected there. */
export function parseJson(text: string): JsonResult {
  const deep = tooDeepAt(text);
  if (deep !== undefined) return { ok: false, expected: `at most ${maxDepth} levels of nesting`, ...place(text, deep) };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    const fault = findFault(text);
    return { ok: false, expected: fault.expected, ...place(text, fault.position) };
  }
}

function place(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position);
  return { line: before.split('\n').length, column: position - before.lastIndexOf('\n') };
}

function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (inString) {
      if (char === '\\') index++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      if (++depth > maxDepth) return index;
    } else if (char === '}' || char === ']') depth--;
  }
  return undefined;
}

const blank = /[ \t\n\r]*/y;
const token =
  /[{}[\],:]|"[ !#-[\]-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\u{10ffff}]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|true\b|false\b|null\b/uy;

/** What may stand next, outside and inside of objects and arrays. */
const wanted = {
  value: 'a value',
  'value-or-end': "a value or ']'",
  'name-or-end': "a property name in double quotes or '}'",
  name: 'a property name in double quotes',
  colon: "':'",
  'object-rest': "',' or '}'",
  'array-rest': "',' or ']'",
  nothing: 'the end of the document',
} as const;
type Wanted = keyof typeof wanted;

/** Reads token by token as far as the text is JSON. JSON.parse itself often does not say where it stopped. */
function findFault(text: string): { position: number; expected: string } {
  const open: string[] = [];
  let want: Wanted = 'value';
  let position = 0;
  for (;;) {
    position = end(blank, text, position) ?? position;
    const next = end(token, text, position);
    const read = next === undefined ? '' : text.slice(position, next);
    const after = step(want, read, open);
    if (next === undefined || after === undefined) return { position, expected: wanted[want] };
    want = after;
    position = next;
  }
}

function end(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** Where only one token may stand: that token, and what comes after it. */
const only: Partial<Record<Wanted, readonly [string, Wanted]>> = {
  colon: [':', 'value'],
  'object-rest': [',', 'name'],
  'array-rest': [',', 'value'],
};

/** The next expectation after `read`, or undefined where `read` may not stand. Keeps the stack of open brackets. */
function step(want: Wanted, read: string, open: string[]): Wanted | undefined {
  if (read === '}' || read === ']') return close(want, read, open);
  const alternative = only[want];
  if (alternative !== undefined) return read === alternative[0] ? alternative[1] : undefined;
  if (want === 'name' || want === 'name-or-end') return read.startsWith('"') ? 'colon' : undefined;
  if (want === 'nothing' || ['', ':', ','].includes(read)) return undefined;
  if (read === '{' || read === '[') {
    open.push(read);
    return read === '{' ? 'name-or-end' : 'value-or-end';
  }
  return rest(open);
}

function close(want: Wanted, bracket: string, open: string[]): Wanted | undefined {
  const may = bracket === '}' ? ['name-or-end', 'object-rest'] : ['value-or-end', 'array-rest'];
  if (!may.includes(want)) return undefined;
  open.pop();
  return rest(open);
}

function rest(open: readonly string[]): Wanted {
  const inside = open.at(-1);
  return inside === undefined ? 'nothing' : inside === '{' ? 'object-rest' : 'array-rest';
}
