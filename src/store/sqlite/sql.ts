import type { PlainQuery } from '../backend.ts';
import { bounds, isChoice, isRange, type Bound, type Condition } from '../match.ts';
import type { Filter, Scalar } from '../repository.ts';
import { keyOf, type Key } from './keys.ts';

/** A piece of SQL with the values of its question marks. */
export interface Sql {
  readonly text: string;
  readonly values: readonly Key[];
}

/** What the translation must know of a table. */
export interface TableView {
  readonly table: string;
  /** Declared fields: each is a column of its name, with an index. */
  readonly declared: readonly string[];
  /** Whether some document holds a list at this declared field: then its elements are in the side table. */
  readonly hasLists: (field: string) => boolean;
}

/** Columns that are not declared fields. */
const plainColumns = ['id', 'version'];

/** Quotes a name for SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The side table with the elements of lists. */
export function elementsTable(table: string): string {
  return quoted(`${table}:elements`);
}

/** The statement that reads the documents of a query, in order. */
export function selectSql(view: TableView, query: PlainQuery): Sql {
  const { field, order } = query.sort;
  const parts = [whereSql(view, query.where)];
  if (query.after) parts.push(afterSql(query.sort, query.after));
  const condition = joined(parts, ' AND ');
  const direction = order === 'asc' ? 'ASC' : 'DESC';
  const by = field === 'id' ? `"id" ${direction}` : `${quoted(field)} ${direction}, "id" ${direction}`;
  return {
    text: `SELECT "json" FROM ${quoted(view.table)} WHERE ${condition.text} ORDER BY ${by} LIMIT ? OFFSET ?`,
    values: [...condition.values, query.limit, query.skip],
  };
}

/** The condition of a filter; `1` where it is empty. */
export function whereSql(view: TableView, where: Filter): Sql {
  const residual: [string, Condition][] = [];
  const parts: Sql[] = [];
  for (const [path, condition] of Object.entries(where)) {
    if (plainColumns.includes(path)) parts.push(conditionSql(quoted(path), condition));
    else if (view.declared.includes(path)) parts.push(declaredSql(view, path, condition));
    else residual.push([path, condition]);
  }
  if (residual.length > 0) parts.push(residualSql(residual));
  return joined(parts, ' AND ');
}

function declaredSql(view: TableView, field: string, condition: Condition): Sql {
  if (!view.hasLists(field)) return conditionSql(quoted(field), condition);
  // Each bound of a range may be met by another element, as in MongoDB: so each is a condition of its own.
  const conditions = isRange(condition)
    ? bounds(condition).map(({ operator, limit }) => ({ [operator]: limit }))
    : [condition];
  return joined(
    conditions.map((single) => {
      const own = conditionSql(quoted(field), single);
      const element = conditionSql('"key"', single);
      return {
        text: `(${own.text} OR "row" IN (SELECT "row" FROM ${elementsTable(view.table)} WHERE "field" = ? AND ${element.text}))`,
        values: [...own.values, field, ...element.values],
      };
    }),
    ' AND ',
  );
}

/** A condition on one column (or on a key of the side table). */
function conditionSql(column: string, condition: Condition): Sql {
  if (isRange(condition))
    return joined(
      bounds(condition).map((bound) => boundSql(column, bound)),
      ' AND ',
    );
  if (isChoice(condition)) return choiceSql(column, condition.in);
  return condition === null
    ? { text: `${column} IS NULL`, values: [] }
    : { text: `${column} = ?`, values: [keyOf(condition)] };
}

function choiceSql(column: string, choices: readonly Scalar[]): Sql {
  const values = choices.filter((choice) => choice !== null).map(keyOf);
  const given = { text: `${column} IN (${values.map(() => '?').join(', ')})`, values };
  return choices.includes(null) ? { text: `(${given.text} OR ${column} IS NULL)`, values } : given;
}

/** SQLite orders numbers before text before bytes; a range stays within the type of its limit. */
function boundSql(column: string, { operator, limit }: Bound): Sql {
  const sign = { gt: '>', gte: '>=', lt: '<', lte: '<=' }[operator];
  const own = `${column} ${sign} ?`;
  const isUpper = operator === 'lt' || operator === 'lte';
  if (typeof limit === 'number') return { text: isUpper ? own : `${own} AND ${column} < ''`, values: [limit] };
  return { text: isUpper ? `${own} AND ${column} >= ''` : `${own} AND ${column} < x''`, values: [limit] };
}

/**
 * Fields without an index are matched by our own function on each document that is left. Its JSON must hold the text of
 * the value somewhere, which SQLite finds out far faster than the function can parse.
 */
function residualSql(conditions: readonly [string, Condition][]): Sql {
  const needles = conditions
    .map(([, condition]) => condition)
    .filter((condition) => typeof condition !== 'object')
    .map((scalar) => ({ text: 'instr("json", ?)', values: [JSON.stringify(scalar)] }));
  const match = { text: 'matches("json", ?)', values: [JSON.stringify(Object.fromEntries(conditions))] };
  return joined([...needles, match], ' AND ');
}

/** Everything behind a document in the order of the sort; missing values come first in ascending order. */
function afterSql({ field, order }: PlainQuery['sort'], after: { value: Scalar; id: string }): Sql {
  const sign = order === 'asc' ? '>' : '<';
  if (field === 'id') return { text: `"id" ${sign} ?`, values: [after.id] };
  const column = quoted(field);
  const key = keyOf(after.value);
  if (key === null) {
    const sameKey = `(${column} IS NULL AND "id" ${sign} ?)`;
    return { text: order === 'asc' ? `(${sameKey} OR ${column} IS NOT NULL)` : sameKey, values: [after.id] };
  }
  // The first condition is implied by the second; by it SQLite starts reading the index at the right place.
  const rest = {
    text: `${column} ${sign}= ? AND (${column} ${sign} ? OR "id" ${sign} ?)`,
    values: [key, key, after.id],
  };
  return order === 'asc' ? rest : { text: `((${rest.text}) OR ${column} IS NULL)`, values: rest.values };
}

function joined(parts: readonly Sql[], by: string): Sql {
  if (parts.length === 0) return { text: '1', values: [] };
  return { text: parts.map((part) => part.text).join(by), values: parts.flatMap((part) => part.values) };
}
