import type { NodeSummary } from '../model/node.ts';

/** A node as `GET /nodes?type=compute` lists it, as far as the table shows it. */
export interface ListedNode {
  readonly id: string;
  readonly name: string;
  readonly state: { readonly name: string };
  readonly summary: NodeSummary;
  readonly addresses?: readonly { readonly mac: string; readonly address: string }[];
  readonly bmc?: { readonly address?: string };
}

/** The table of nodes that ends `lab up`: a column each for what an operator looks for first. */
export function renderNodes(nodes: readonly ListedNode[]): string[] {
  const header = ['ID', 'NAME', 'STATE', 'SERIAL', 'CPU', 'MEMORY', 'DISKS', 'MAC', 'IP', 'BMC'];
  const rows = nodes.map((node) => {
    const { summary, addresses = [] } = node;
    return [
      node.id,
      node.name,
      node.state.name,
      summary.serial ?? '',
      summary.cpuCount === undefined ? '' : `${summary.cpuCount} x ${summary.cpuModel ?? '?'}`,
      summary.memoryBytes === undefined ? '' : size(summary.memoryBytes),
      (summary.disks ?? []).map(({ name, sizeBytes }) => `${name} ${size(sizeBytes)}`).join(', '),
      (summary.macs ?? []).join(', '),
      addresses.map(({ address }) => address).join(', '),
      node.bmc?.address ?? summary.bmcAddress ?? '',
    ];
  });
  return renderTable([header, ...rows]);
}

/** Columns as wide as their widest cell. */
export function renderTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** In units of 1024, as memory and virtual disks are sized. */
function size(bytes: number): string {
  const gib = bytes / 2 ** 30;
  return gib >= 1 ? `${Number(gib.toFixed(1))} GiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}
