/**
 * RackHD's `{{ }}` in options: `{{ options.x }}`, `{{ context.outputs["a"].b }}`, `{{ a.b || c.d || literal }}`. A string
 * that is one expression keeps the value's JSON type; a value may hold expressions itself. No sections, no escaping.
 */

/** What expressions look into: root name -> value. */
export type Scope = Readonly<Record<string, unknown>>;

export interface RenderError {
  /** Where the expression stands: `commands.0.command`. */
  readonly at: string;
  /** What is wrong with it, in plain words. */
  readonly message: string;
}

export type RenderResult =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly errors: readonly RenderError[] };

/** As RackHD: options that refer to each other deeper than this are taken for a circle. */
const maxDepth = 50;
/** Characters of all that was put in: options that multiply each other end here instead of filling the memory. */
const maxOutput = 1_048_576;

const expression = /\{\{\s*([^{}]*?)\s*\}\}/g;
const single = /^\{\{\s*([^{}]*?)\s*\}\}$/;

interface Rendering {
  readonly scope: Scope;
  /** Expressions that name one of these roots are left as they are. */
  readonly deferred: ReadonlySet<string>;
  readonly errors: RenderError[];
  spent: number;
}

/** Renders every string in `value`. `deferred` names the roots that are not known yet. */
export function render(value: unknown, scope: Scope, deferred: readonly string[] = []): RenderResult {
  const rendering: Rendering = { scope, deferred: new Set(deferred), errors: [], spent: 0 };
  const rendered = renderValue(rendering, value, '', 0);
  return rendering.errors.length === 0 ? { ok: true, value: rendered } : { ok: false, errors: rendering.errors };
}

/** Whether any string in the value holds an expression. */
export function hasExpression(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('{{');
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hasExpression);
}

function renderValue(rendering: Rendering, value: unknown, at: string, depth: number): unknown {
  if (typeof value === 'string') return renderString(rendering, value, at, depth);
  if (Array.isArray(value)) return value.map((item, i) => renderValue(rendering, item, below(at, String(i)), depth));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, renderValue(rendering, item, below(at, key), depth)]),
  );
}

function renderString(rendering: Rendering, text: string, at: string, depth: number): unknown {
  if (!text.includes('{{') || rendering.errors.length > 0) return text;
  if (depth > maxDepth) return fail(rendering, at, `options refer to each other deeper than ${maxDepth} levels`);
  const whole = single.exec(text);
  if (whole) {
    const value = evaluate(rendering, whole[1] ?? '', at);
    return value === undefined ? text : spend(rendering, renderValue(rendering, value, at, depth + 1), at);
  }
  return text.replace(expression, (match, inner: string) => {
    const value = evaluate(rendering, inner, at);
    if (value === undefined) return match;
    const rendered = spend(rendering, renderValue(rendering, value, at, depth + 1), at);
    return typeof rendered === 'string' ? rendered : JSON.stringify(rendered);
  });
}

/** The value of `a.b || c.d || literal`; undefined where it is left as it is (deferred, or an error was noted). */
function evaluate(rendering: Rendering, inner: string, at: string): unknown {
  if (/^[#^/&!>]/.test(inner)) return fail(rendering, at, `'{{ ${inner} }}': sections are not supported`);
  const tokens = inner.split(/\|+/).map((token) => token.trim());
  if (tokens.some((token) => rendering.deferred.has(pathOf(token)[0] ?? ''))) return undefined;
  let fallback: unknown;
  for (const token of tokens) {
    const path = pathOf(token);
    const value = path.length < 2 ? unquote(token) : lookUp(rendering.scope, path);
    if (value !== undefined && value !== null && value !== false && value !== 0 && value !== '') return value;
    fallback ??= value;
  }
  return fallback ?? fail(rendering, at, `'${inner}' has no value`);
}

const pathStep = /\[\s*(?:"([^"]*)"|'([^']*)'|(\d+))\s*\]|([^.[\]]+)/g;

/** `context.outputs["label"].x` -> its steps. A token of one step is a literal. */
function pathOf(token: string): string[] {
  return [...token.matchAll(pathStep)].map(([, ...groups]: (string | undefined)[]) => groups.find(isGiven) ?? '');
}

function isGiven(group: string | undefined): boolean {
  return group !== undefined;
}

function lookUp(scope: Scope, path: readonly string[]): unknown {
  let value: unknown = scope;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function unquote(token: string): string {
  return /^(["']).*\1$/.test(token) ? token.slice(1, -1) : token;
}

function spend(rendering: Rendering, value: unknown, at: string): unknown {
  rendering.spent += typeof value === 'string' ? value.length + 1 : 1;
  return rendering.spent > maxOutput ? fail(rendering, at, `grows over ${maxOutput} characters`) : value;
}

function fail(rendering: Rendering, at: string, message: string): unknown {
  rendering.errors.push({ at, message });
  return undefined;
}

function below(at: string, key: string): string {
  return at === '' ? key : `${at}.${key}`;
}
