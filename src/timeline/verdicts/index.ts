import { agentRejected } from './agent-rejected.ts';
import { agentSilent } from './agent-silent.ts';
import { allWell } from './all-well.ts';
import { byHand } from './by-hand.ts';
import { calledHome } from './called-home.ts';
import { diskBoot } from './disk-boot.ts';
import { inProgress } from './in-progress.ts';
import { kernelFailed } from './kernel-failed.ts';
import { loaderNotFetched } from './loader-not-fetched.ts';
import { loaderSilent } from './loader-silent.ts';
import { neverAsked } from './never-asked.ts';
import { notAnswered } from './not-answered.ts';
import { nothingToBoot } from './nothing-to-boot.ts';
import { otherServer } from './other-server.ts';
import { poweredOff } from './powered-off.ts';
import { powerFailed } from './power-failed.ts';
import { runFailed } from './run-failed.ts';
import type { Cause } from './verdict.ts';

/** Every cause, in the order in which a boot comes to them. */
export const causes: readonly Cause[] = [
  powerFailed,
  neverAsked,
  notAnswered,
  otherServer,
  nothingToBoot,
  loaderNotFetched,
  loaderSilent,
  kernelFailed,
  agentSilent,
  agentRejected,
  byHand,
  diskBoot,
  calledHome,
  runFailed,
  allWell,
  poweredOff,
  inProgress,
];
