import { decimalBytes } from '../model/bytes.ts';

/** How far a transfer was at a time. */
export interface TransferSample {
  /** Milliseconds. */
  readonly at: number;
  readonly bytes: number;
}

export interface Transfer {
  /** What is being done: `sending`, `unpacking`. */
  readonly step: string;
  readonly bytes: number;
  /** Undefined where nobody knows. */
  readonly total?: number;
  /** Of this step, oldest first. */
  readonly samples: readonly TransferSample[];
}

const barWidth = 24;
/** The rate is that of the last seconds: what was slow before tells nothing of the time left. */
const rateOverMs = 5_000;

/** `sending [######..................]  25 %  1 GB of 4 GB  100 MB/s  30 s left` */
export function transferLine({ step, bytes, total, samples }: Transfer): string {
  const rate = bytesPerSecond(samples);
  const parts = [
    total === undefined ? step : `${step} ${bar(bytes, total)}`,
    total === undefined ? decimalBytes(bytes) : `${decimalBytes(bytes)} of ${decimalBytes(total)}`,
    ...(rate === undefined ? [] : [`${decimalBytes(Math.round(rate))}/s`]),
    ...(rate === undefined || total === undefined || rate === 0 ? [] : [timeLeft((total - bytes) / rate)]),
  ];
  return parts.join('  ');
}

/** Undefined where too little is known. */
export function bytesPerSecond(samples: readonly TransferSample[]): number | undefined {
  const last = samples.at(-1);
  const first = samples.find(({ at }) => at >= (last?.at ?? 0) - rateOverMs);
  if (last === undefined || first === undefined || last.at - first.at < 500) return undefined;
  return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
}

function bar(bytes: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, bytes / total);
  const filled = Math.floor(share * barWidth);
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}

function timeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s left`;
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s left` : `${(whole / 3600).toFixed(1)} h left`;
}
