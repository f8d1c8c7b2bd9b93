/**
 * The import table of docs/architecture.md. A folder imports only from rows below its own; the row numbers here are
 * the table's. Folders of one row never import one another.
 */
const rows = [
  ['net', 'model', 'log.ts', 'errors.ts'],
  ['store', 'http'],
  ['events', 'coordination', 'secrets'],
  ['obm', 'images', 'timeline', 'notify'],
  ['boot'],
  ['dhcp', 'tftp', 'discovery', 'deployment'],
  ['workflows', 'allocation', 'telemetry'],
  ['api', 'redfish', 'southbound', 'plugins'],
];
const path = (names) => `^src/(${names.map((n) => n.replace('.', '\\.')).join('|')})(/|$)`;

/** model may use net (a node has MACs); log and errors are leaves that all of row 0 may use. */
const sameRow = { net: ['errors.ts'], model: ['net', 'errors.ts'], 'log.ts': [], 'errors.ts': [] };

const layers = rows.flatMap((row, index) =>
  row.map((folder) => {
    const may = [...rows.slice(0, index).flat(), folder, ...(sameRow[folder] ?? [])];
    return {
      name: `layer-${folder}`,
      severity: 'error',
      comment: `${folder} is in row ${index}: it imports only from rows below`,
      from: { path: path([folder]) },
      to: { path: '^src/', pathNot: path(may) },
    };
  }),
);

module.exports = {
  forbidden: [
    ...layers,
    {
      name: 'only-app-api-southbound-import-timeline',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(timeline|api|southbound|app|main\\.ts|cli)' },
      to: { path: '^src/timeline/' },
    },
    {
      name: 'lab-is-a-client',
      severity: 'error',
      comment: 'the lab uses net, model and errors; everything else of the product it uses as any client would',
      from: { path: '^src/lab/' },
      to: { path: '^src/', pathNot: '^src/(lab|net|model|errors\\.ts|log\\.ts)' },
    },
    {
      name: 'cli-speaks-http',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/', pathNot: '^src/(cli|lab|net|model|errors\\.ts|config\\.ts|app\\.ts|timeline)' },
    },
    {
      name: 'nobody-imports-the-top',
      severity: 'error',
      from: { path: '^src/(?!app/|cli/)[^/]+/' },
      to: { path: '^src/(main|app|config)\\.ts$' },
    },
    {
      name: 'dgram-only-in-net',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(net/datagram\\.ts|lab/)' },
      to: { path: '^(node:)?dgram$' },
    },
    {
      name: 'codecs-are-pure',
      severity: 'error',
      comment: 'codecs and decisions import nothing of node:',
      from: {
        path: '^src/((dhcp|tftp)/(packet|options|machine|client|transfer)|boot/[a-z-]+|workflows/(advance|due|graph|render)|discovery/catalogers/[a-z-]+)\\.ts$',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'bull-in-one-file',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/workflows/queue\\.ts$' },
      to: { path: 'node_modules/bull/' },
    },
    {
      name: 'mongodb-in-one-folder',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/store/mongodb/' },
      to: { path: 'node_modules/mongodb/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphan-imports', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
