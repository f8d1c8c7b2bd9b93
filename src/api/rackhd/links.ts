/** One page of a list: `skip` items left out, at most `top` shown, of `count` in all. */
export interface PageOf {
  readonly path: string;
  readonly skip?: number | undefined;
  readonly top?: number | undefined;
  readonly count: number;
  /** The rest of the query, which every link keeps (RackHD's own links lose it, and with it the filter). */
  readonly filter?: string;
}

/** The Link header (RFC 8288) as RackHD writes it, where the page is smaller than the list; else undefined. */
export function pageLinks({ path, skip = 0, top, count, filter = '' }: PageOf): string | undefined {
  const size = top ?? Math.max(count - skip, 1);
  if ((skip === 0 && top === undefined) || (top !== undefined && top >= count)) return undefined;
  const link = (rel: string, at: number, many: number): string =>
    `<${path}?$skip=${at}&$top=${many}${filter === '' ? '' : `&${filter}`}>; rel="${rel}"`;
  const last = skip + size === count ? skip : Math.max(Math.ceil(count / size) - 1, 0) * size;
  const partial = skip > 0 && skip < size;
  return [
    link('first', 0, partial ? skip : size),
    link('last', last, size),
    ...(skip === 0 ? [] : [partial ? link('prev', 0, skip) : link('prev', skip - size, size)]),
    ...(skip < last ? [link('next', skip + size, size)] : []),
  ].join(', ');
}
