import { setTimeout as delay } from 'node:timers/promises';

/** Buffers and the compiler settle for this long before the count begins. */
const warmUpMs = 250;

/** Counts what happens in the measured part of a job. `first` is the count at its beginning. */
export async function measureWindow({ seconds }, readCount) {
  await delay(warmUpMs);
  const first = readCount();
  const started = performance.now();
  await delay(seconds * 1000);
  return { first, perSecond: ((readCount() - first) * 1000) / (performance.now() - started) };
}

/** Turns latencies in milliseconds into microseconds, the middle one and that which 1 % exceed. */
export function percentiles(latencies) {
  const sorted = Float64Array.from(latencies).sort();
  const at = (part) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN) * 1000;
  return { p50: at(0.5), p99: at(0.99) };
}
