// Prints tunl's figures as ratios against peers that run beside it:
//
//     npm run bench -- [--only start,idle,h1,chain] [--rounds 3] [--secs 2] [--runs 21] [--idle 2000]
//
// Absolute figures of two runs cannot be compared, least of all from two machines; the ratios can.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { benchChain } from './chain.mjs';
import { benchHttp1 } from './h1.mjs';
import { benchIdle } from './idle.mjs';
import { Bench } from './processes.mjs';
import { benchStart } from './start.mjs';

/** Every part of the run: one line for each. */
const parts = { start: benchStart, idle: benchIdle, h1: benchHttp1, chain: benchChain };

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(parts).join() },
    rounds: { type: 'string', default: '3' },
    secs: { type: 'string', default: '2' },
    runs: { type: 'string', default: '21' },
    idle: { type: 'string', default: '2000' },
  },
});
const settings = {
  rounds: readPositive('rounds'),
  seconds: readPositive('secs'),
  startRuns: readPositive('runs'),
  idleTunnels: readPositive('idle'),
};
const chosen = values.only.split(',');
const unknown = chosen.find((name) => !Object.hasOwn(parts, name));
if (unknown !== undefined) exitWithUsage(`there is no part "${unknown}" (${Object.keys(parts).join(', ')})`);

const bench = new Bench();
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, () => void bench.stop().then(() => process.exit(status)));
}
try {
  console.log(`node ${process.version}, ${availableParallelism()} processors; higher ratios are better, 1 is par`);
  for (const name of chosen) await parts[name](bench, settings);
} catch (error) {
  console.error(`bench: ${error.stack}`);
  process.exitCode = 1;
} finally {
  await bench.stop();
}

function readPositive(name) {
  const value = Number(values[name]);
  return value > 0 ? value : exitWithUsage(`--${name} takes a positive number, not "${values[name]}"`);
}

function exitWithUsage(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
