/**
 * Every state of a node and every legal move: the one place that knows them. `boot` asks `boots`, the API shows the
 * state, the sweep reads `deadlineMinutes`, and docs/node-states.md is printed from this table.
 */
interface StateRow {
  readonly meaning: string;
  /** What a node in this state is told to boot when no run has said anything else. */
  readonly boots: 'discovery' | 'nothing';
  /** In-progress states only: after so long without an end, `expire` is applied. */
  readonly deadlineMinutes?: number;
  /** Event -> next state. An event without an entry is refused. */
  readonly on: Readonly<Partial<Record<NodeEvent, NodeStateName>>>;
}

export type NodeStateName =
  | 'new'
  | 'discovering'
  | 'discovered'
  | 'failed-discovery'
  | 'available'
  | 'deploying'
  | 'deployed'
  | 'failed-deploy'
  | 'releasing'
  | 'failed-release'
  | 'maintenance';

/** What a run is to its node, where its graph says so (`nodeEvents`): each is the event with which the run begins. */
export const nodePurposes = ['discover', 'deploy', 'release'] as const;
export type NodePurpose = (typeof nodePurposes)[number];

/**
 * `discover`, `deploy`, `release`: such a run began; `succeed`, `fail`, `abort`, `expire`: how it ended; `hold`,
 * `resume`: an operator takes the node out of service and back.
 */
export type NodeEvent = NodePurpose | 'succeed' | 'fail' | 'abort' | 'expire' | 'hold' | 'resume';

export const nodeStates = {
  new: {
    meaning: 'known by name or address only; it has not booted from us',
    boots: 'discovery',
    on: { discover: 'discovering', hold: 'maintenance' },
  },
  discovering: {
    meaning: 'a discovery run is active',
    boots: 'discovery',
    deadlineMinutes: 60,
    on: {
      // Its run is gone (a lost store, a deleted run): the next boot begins anew.
      discover: 'discovering',
      succeed: 'discovered',
      fail: 'failed-discovery',
      abort: 'failed-discovery',
      expire: 'failed-discovery',
    },
  },
  discovered: {
    meaning: 'catalogued; it boots what its runs tell it, else from its own disk',
    boots: 'nothing',
    on: { discover: 'discovering', deploy: 'deploying', release: 'releasing', hold: 'maintenance' },
  },
  'failed-discovery': {
    meaning: 'the last discovery ended without success; its next network boot tries again',
    boots: 'discovery',
    on: { discover: 'discovering', hold: 'maintenance' },
  },
  available: {
    meaning: 'released: its disks carry no system; it can be deployed',
    boots: 'nothing',
    on: { discover: 'discovering', deploy: 'deploying', release: 'releasing', hold: 'maintenance' },
  },
  deploying: {
    meaning: 'an operating system is being put on its disk',
    boots: 'nothing',
    deadlineMinutes: 360,
    on: {
      // Its run is gone: the same deploy again.
      deploy: 'deploying',
      succeed: 'deployed',
      fail: 'failed-deploy',
      abort: 'failed-deploy',
      expire: 'failed-deploy',
    },
  },
  deployed: {
    meaning: 'its own operating system runs, or could; it must be released before it is deployed again',
    boots: 'nothing',
    on: { release: 'releasing' },
  },
  'failed-deploy': {
    meaning: 'the last deploy ended without success; its disk may be half written, and carries no boot sector then',
    boots: 'nothing',
    on: { deploy: 'deploying', release: 'releasing', discover: 'discovering', hold: 'maintenance' },
  },
  releasing: {
    meaning: 'its disks are being erased',
    boots: 'nothing',
    deadlineMinutes: 360,
    on: {
      release: 'releasing',
      succeed: 'available',
      fail: 'failed-release',
      abort: 'failed-release',
      expire: 'failed-release',
    },
  },
  'failed-release': {
    meaning: 'the last release ended without success; its disks may still carry data',
    boots: 'nothing',
    on: { release: 'releasing', hold: 'maintenance' },
  },
  maintenance: {
    meaning: 'an operator holds the node: it gets an address and nothing to boot',
    boots: 'nothing',
    on: { resume: 'new' },
  },
} as const satisfies Record<NodeStateName, StateRow>;

/** The state after `event`, or undefined where the table has no such move. */
export function nextNodeState(state: NodeStateName, event: NodeEvent): NodeStateName | undefined {
  const row: StateRow = nodeStates[state];
  return row.on[event];
}

/** Milliseconds after which a node in this state is expired; undefined for states that last. */
export function stateDeadlineMs(state: NodeStateName): number | undefined {
  const row: StateRow = nodeStates[state];
  return row.deadlineMinutes === undefined ? undefined : row.deadlineMinutes * 60_000;
}
