import { binaryBytes, decimalBytes } from './bytes.ts';
import type { NodeSummary } from './node.ts';
import { textTable } from './text-table.ts';

/** What the table needs of a node; items of `GET /nodes` are such rows. */
export interface NodeRow {
  readonly id: string;
  readonly name: string;
  readonly state: { readonly name: string };
  readonly summary: NodeSummary;
  readonly addresses: readonly { readonly address: string }[];
  readonly bmc?: { readonly address?: string };
}

const columns: readonly { readonly title: string; readonly cell: (node: NodeRow) => string }[] = [
  { title: 'ID', cell: (node) => node.id },
  { title: 'NAME', cell: (node) => node.name },
  { title: 'STATE', cell: (node) => node.state.name },
  { title: 'SERIAL', cell: ({ summary }) => summary.serial ?? '' },
  { title: 'CPU', cell: ({ summary }) => cpuText(summary) },
  {
    title: 'MEMORY',
    cell: ({ summary }) => (summary.memoryBytes === undefined ? '' : binaryBytes(summary.memoryBytes)),
  },
  { title: 'DISKS', cell: ({ summary }) => disksText(summary) },
  { title: 'MACS', cell: ({ summary }) => (summary.macs ?? []).join(' ') },
  { title: 'IP', cell: (node) => node.addresses.map(({ address }) => address).join(' ') },
  { title: 'BMC', cell: (node) => node.bmc?.address ?? '' },
];

/** The nodes as lines of a table, with a heading; cells without a value show `-`. */
export function nodesTable(nodes: readonly NodeRow[]): string[] {
  return textTable([
    columns.map(({ title }) => title),
    ...nodes.map((node) => columns.map(({ cell }) => oneLine(cell(node)))),
  ]);
}

/** Names and serials come from machines: control characters would act on the reader's terminal. */
function oneLine(text: string): string {
  const printable = text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return printable === '' ? '-' : printable;
}

function cpuText({ cpuCount, cpuCores, cpuModel }: NodeSummary): string {
  const cores = cpuCores === undefined ? '' : ` (${cpuCores} ${cpuCores === 1 ? 'core' : 'cores'})`;
  if (cpuModel === undefined && cpuCount === undefined) return cores.trim();
  return `${cpuCount ?? 1} x ${cpuModel ?? 'CPU'}${cores}`;
}

function disksText({ disks = [] }: NodeSummary): string {
  return disks.map(({ name, sizeBytes }) => `${name} ${decimalBytes(sizeBytes)}`).join(', ');
}
