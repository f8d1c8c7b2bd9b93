import { readLines, refuse } from './cataloger.ts';
import type { Cataloger } from './cataloger.ts';

/**
 * `ipmitool -c sdr`: one sensor a line, `name,reading,unit,status`, discrete ones `name,state,ns,entity,text`. The keys
 * are those of RackHD's sdr poller, as far as this form of the command knows them.
 */
export const ipmiSdr: Cataloger = {
  source: 'ipmi-sdr',
  parse(output) {
    const lines = readLines(output);
    if (lines === undefined) return refuse('the output is too large');
    const sensors = lines.filter((line) => line.includes(',')).map(readSensor);
    return sensors.length === 0 ? refuse('there is no sensor in it') : { ok: true, data: sensors };
  },
};

interface Sensor {
  readonly sensorId: string;
  readonly sdrType: 'Threshold' | 'Discrete';
  readonly sensorReading: string;
  readonly sensorReadingUnits: string;
  readonly status: string;
  readonly entityId?: string;
  readonly statesAsserted?: readonly string[];
}

const shortStates = new Set(['ok', 'ns', 'nc', 'cr', 'nr', 'lnc', 'lcr', 'lnr', 'unc', 'ucr', 'unr', 'na']);

function readSensor(line: string): Sensor {
  const fields = line.split(',').map((field) => field.trim());
  const [sensorId = '', sensorReading = '', third = '', fourth = ''] = fields;
  // A discrete sensor has no unit: its status comes third.
  if (/^\d+\.\d+$/.test(fourth) && shortStates.has(third)) {
    const asserted = fields.slice(4).filter((text) => text !== '' && text !== 'No Reading');
    return {
      sensorId,
      sdrType: 'Discrete',
      sensorReading,
      sensorReadingUnits: '',
      status: third,
      entityId: fourth,
      statesAsserted: asserted,
    };
  }
  const [unit, status] = shortStates.has(third) ? ['', third] : [third, fourth];
  return { sensorId, sdrType: 'Threshold', sensorReading, sensorReadingUnits: unit, status };
}
