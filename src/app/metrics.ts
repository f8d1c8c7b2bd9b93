import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { FactLog } from '../events/log.ts';
import { factKinds } from '../model/fact.ts';
import { nodeStates } from '../model/node-states.ts';
import type { Store } from '../store/collections.ts';

export interface Metrics {
  /** The Prometheus text. */
  readonly text: () => Promise<string>;
  readonly stop: () => void;
}

/** Prometheus metrics: the process, facts by kind, nodes by state, active runs. */
export function createMetrics(deps: { store: Store; facts: Pick<FactLog, 'subscribe'> }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const facts = new Counter({
    name: 'rackwright_facts_total',
    help: 'Facts stored by this server',
    labelNames: ['kind'],
    registers: [registry],
  });
  for (const kind of Object.keys(factKinds)) facts.inc({ kind }, 0);
  const unsubscribe = deps.facts.subscribe((stored) => {
    for (const { kind } of stored) facts.inc({ kind });
  });
  new Gauge({
    name: 'rackwright_nodes',
    help: 'Nodes by state',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      for (const state of Object.keys(nodeStates))
        this.set({ state }, await deps.store.nodes.count({ 'state.name': state }));
    },
  });
  new Gauge({
    name: 'rackwright_runs_active',
    help: 'Runs of graphs that have not ended',
    registers: [registry],
    async collect() {
      this.set(await deps.store.runs.count({ state: 'running' }));
    },
  });
  return { text: () => registry.metrics(), stop: unsubscribe };
}
