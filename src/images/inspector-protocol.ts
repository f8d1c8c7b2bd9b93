import type { Inspection, InspectionJob, InspectionProgress } from './inspect.ts';

/** What the thread that inspects is started with, and what it says. */
export interface InspectorSetup {
  readonly job: InspectionJob;
  readonly deadlineMs: number;
}

/** To the thread: stop. From it: how far it is, then one end. */
export type FromInspector =
  | { readonly kind: 'progress'; readonly progress: InspectionProgress }
  | { readonly kind: 'end'; readonly inspection: Inspection }
  | { readonly kind: 'fault'; readonly code: string; readonly message: string };
