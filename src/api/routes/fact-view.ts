import type { Fact } from '../../model/fact.ts';
import { present, type Present } from '../present.ts';
import { hideSecrets } from '../secrets.ts';
import type { FactView } from './schemas.ts';

/** A fact as clients see it. Facts carry no secrets; what should slip into their data is hidden all the same. */
export function factView({
  id,
  at,
  kind,
  how,
  text,
  mac,
  uuid,
  address,
  nodeId,
  runId,
  data,
}: Fact): Present<FactView> {
  const shown = hideSecrets(data) as Record<string, unknown>;
  return present({ id, at, kind, how, text, mac, uuid, address, nodeId, runId, data: shown });
}
