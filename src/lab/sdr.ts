/**
 * Sensor data records of the simulated BMC, as input of `sdrcomp` (OpenIPMI). Names longer than five characters with a
 * lower-case letter only: sdrcomp packs shorter upper-case ones into something that reads back as garbage.
 */
interface AnalogSensor {
  readonly number: number;
  readonly type: 'Temperature' | 'Fan' | 'Voltage';
  readonly unit: 'degrees_C' | 'RPM' | 'Volts';
  /** Reading = raw * multiplier * 10^exponent. */
  readonly multiplier: number;
  readonly exponent: number;
  readonly name: string;
}

const analogSensors: readonly AnalogSensor[] = [
  { number: 1, type: 'Temperature', unit: 'degrees_C', multiplier: 1, exponent: 0, name: 'MB Temp' },
  { number: 2, type: 'Temperature', unit: 'degrees_C', multiplier: 1, exponent: 0, name: 'Inlet Temp' },
  { number: 3, type: 'Fan', unit: 'RPM', multiplier: 100, exponent: 0, name: 'Fan 1' },
  { number: 4, type: 'Voltage', unit: 'Volts', multiplier: 1, exponent: -1, name: 'Volt P12' },
];

type Field = readonly [name: string, value: string | number | boolean];

/** Threshold class (event/reading type 1) analog sensor: a full record, IPMI 2.0 43.1. */
function analogRecord(sensor: AnalogSensor): Field[] {
  return [
    ...owner(sensor.number),
    ['entity_id', 'system_board'],
    ['entity_instance', 1],
    ['sensor_type', sensor.type],
    ['init_scanning', true],
    ['init_sensor_type', true],
    ['default_sensor_scan_on', true],
    ['event_reading_type_code', 1],
    ['analog_data_format', 'unsigned'],
    ['rate_unit', 'none'],
    ['modifier_unit', 'none'],
    ['percentage', false],
    ['base_unit', sensor.unit],
    ['modifier_unit_code', 'unspecified'],
    ['linearization', 'linear'],
    ['m', sensor.multiplier],
    ['tolerance', 0],
    ['b', 0],
    ['accuracy', 1],
    ['accuracy_exp', 0],
    ['sensor_direction', 'input'],
    ['r_exp', sensor.exponent],
    ['b_exp', 0],
    ['sensor_maximum', 255],
    ['sensor_minimum', 0],
    ['id_string', `"${sensor.name}"`],
  ];
}

function owner(sensorNumber: number): Field[] {
  return [
    ['sensor_owner_id', '0x20'],
    ['sensor_owner_lun', 0],
    ['channel_number', 0],
    ['sensor_number', sensorNumber],
  ];
}

/** The BMC itself: a management controller device locator, IPMI 2.0 43.9. */
const controllerRecord: Field[] = [
  ['device_slave_address', '0x20'],
  ['device_channel_number', 0],
  ['chassis', true],
  ['ipmb_event_gen', false],
  ['ipmb_event_recv', false],
  ['fru_inventory', true],
  ['sel', true],
  ['sdr', true],
  ['sensor', true],
  ['entity_id', 'system_board'],
  ['entity_instance', 1],
  ['id_string', '"LabBMC"'],
];

/** Event-only: an event-only record, IPMI 2.0 43.3. Sensor 0 must be the watchdog. */
const watchdogRecord: Field[] = [
  ...owner(0),
  ['entity_id', 'system_board'],
  ['entity_instance', 1],
  ['sensor_type', 'Watchdog_2'],
  ['event_reading_type_code', '0x6f'],
  ['id_string', '"watchdog"'],
];

/** Presence of the power supply: a compact record, IPMI 2.0 43.2. */
const powerSupplyRecord: Field[] = [
  ...owner(5),
  ['entity_id', 'power_supply'],
  ['entity_instance', 1],
  ['sensor_type', 'Power_Supply'],
  ['event_reading_type_code', '0x6f'],
  ['event0_state_ret', true],
  ['assert_event0', true],
  ['deassert_event0', true],
  ['id_string', '"Psu1 Status"'],
];

function record(type: number, fields: readonly Field[]): string {
  const lines = fields.map(([name, value]) => `\t${name}\t${value}`);
  return [`sdr type ${type}`, ...lines, 'endsdr', ''].join('\n');
}

/** The source text that `sdrcomp` compiles. */
export function sensorRecords(): string {
  return [
    record(18, controllerRecord),
    record(3, watchdogRecord),
    ...analogSensors.map((sensor) => record(1, analogRecord(sensor))),
    record(2, powerSupplyRecord),
  ].join('\n');
}
