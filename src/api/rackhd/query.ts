import { z } from 'zod';
import type { Filter, Scalar } from '../../store/repository.ts';
import { isSecretKey } from '../secrets.ts';

/** What a list is asked for, in our terms. */
export interface ListQuery {
  readonly where: Filter;
  readonly skip?: number | undefined;
  readonly top?: number | undefined;
  readonly sort?: { readonly field: string; readonly descending: boolean };
  /** The filters as they came, for links. */
  readonly filter: string;
  readonly active?: boolean | undefined;
}

interface ListForm {
  /** RackHD's name of a field -> ours, where they differ. */
  readonly rename?: Readonly<Record<string, string>>;
  /** How a value is read, where it is not plain text. */
  readonly read?: Readonly<Record<string, (text: string) => Scalar>>;
  /** Fields of `sort`; none: the list takes no `sort`. */
  readonly sort?: readonly string[];
}

const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number);

/** `active=true`, as RackHD's document has it. */
const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

/**
 * The query of a RackHD list: `$skip`, `$top`, `sort`, `active`; every other key is an equality filter on the field of
 * that name, a repeated key a choice. A filter on a secret is refused: its answer would tell the secret bit by bit.
 */
export function listQuery({ rename = {}, read = {}, sort = [] }: ListForm): z.ZodType<ListQuery> {
  const [names, readers] = [new Map(Object.entries(rename)), new Map(Object.entries(read))];
  const condition = (key: string, value: string | string[]): [string, Filter[string]] => {
    const readOne = readers.get(key) ?? ((text: string): Scalar => text);
    return [names.get(key) ?? key, Array.isArray(value) ? { in: value.map(readOne) } : readOne(value)];
  };
  const sortPattern = new RegExp(`^[-+ ]?(${sort.join('|')})$`);
  return z
    .object({
      $skip: wholeNumber.optional(),
      $top: wholeNumber.pipe(z.number().min(1, 'must be at least 1')).optional(),
      ...(sort.length === 0
        ? {}
        : {
            sort: z
              .string()
              .regex(sortPattern, `must be ${sort.join(' or ')}, after + or - if wanted`)
              .optional(),
          }),
      active: flag.optional(),
    })
    .catchall(z.union([z.string(), z.array(z.string()).max(1000)]))
    .transform(({ $skip: skip, $top: top, active, ...rest }, context) => {
      const { sort: order, ...filters } = rest as Record<string, string | string[]>;
      for (const key of Object.keys(filters).filter((path) => path.split('.').some(isSecretKey))) {
        context.addIssue({ code: 'custom', path: [key], message: 'secrets cannot be searched' });
      }
      const where = Object.fromEntries(Object.entries(filters).map(([key, value]) => condition(key, value)));
      const filter = new URLSearchParams(
        Object.entries(filters).flatMap(([key, value]) => [value].flat().map((one): [string, string] => [key, one])),
      ).toString();
      return { where, skip, top, active, filter, ...(typeof order === 'string' ? { sort: readSort(order) } : {}) };
    });
}

function readSort(text: string): { field: string; descending: boolean } {
  return { field: text.replace(/^[-+ ]/, ''), descending: text.startsWith('-') };
}

/** Sorts one page in memory, as RackHD does: text without regard to case. */
export function sortPage<T>(
  items: readonly T[],
  sort: ListQuery['sort'],
  valueOf: (item: T, field: string) => string,
): T[] {
  if (sort === undefined) return [...items];
  const { field, descending } = sort;
  const keyed = items.map((item) => ({ item, key: valueOf(item, field).toUpperCase() }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * (descending ? -1 : 1));
  return keyed.map(({ item }) => item);
}
