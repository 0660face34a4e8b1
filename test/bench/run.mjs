// Prints tunl's figures as ratios against peers that run beside it: docs/bench.md.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { benchCarriers } from './parts/carriers.mjs';
import { benchChain } from './parts/chain.mjs';
import { benchHops } from './parts/hops.mjs';
import { benchHttp1 } from './parts/h1.mjs';
import { benchHttp2 } from './parts/h2.mjs';
import { benchIdle } from './parts/idle.mjs';
import { benchMany } from './parts/many.mjs';
import { benchStages } from './parts/stages.mjs';
import { benchStart } from './parts/start.mjs';
import { benchTls } from './parts/tls.mjs';
import { Bench } from './processes.mjs';

/** Every part of the run: one line for each. */
const parts = {
  start: benchStart,
  idle: benchIdle,
  h1: benchHttp1,
  h2: benchHttp2,
  tls: benchTls,
  stages: benchStages,
  hops: benchHops,
  many: benchMany,
  carriers: benchCarriers,
  chain: benchChain,
};

/** How much is measured, and how much with `--quick`, which takes less than ten minutes. */
const usual = { rounds: '3', secs: '2', warm: '6', runs: '21', idle: '2000', many: '5000' };
const quick = { rounds: '2', secs: '0.5', warm: '2', runs: '6', idle: '2000', many: '1000' };

// What the developer has configured for themselves has no effect.
process.env.TUNL_CONFIG = '';

const settings = readSettings();
const bench = new Bench();
for (const [signal, status] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, () => void bench.stop().then(() => process.exit(status)));
}
try {
  const before = loadavg();
  console.log(`node ${process.version}, ${availableParallelism()} processors, load before: ${formatLoad(before)}`);
  console.log(
    `medians of ${settings.rounds} rounds of ${settings.seconds} s; in brackets: ratio to the best peer, above 1 tunl is ahead`,
  );
  for (const name of settings.parts) await parts[name](bench, settings);
  bench.report.sum();
  const after = loadavg();
  const { json, svg, ...rest } = settings;
  const run = {
    node: process.version,
    processors: availableParallelism(),
    load: { before, after },
    settings: rest,
  };
  bench.report.write(run, { json, svg });
  console.log(`\nload after: ${formatLoad(after)}`);
} catch (error) {
  console.error(`bench: ${error.stack}`);
  process.exitCode = 1;
} finally {
  await bench.stop();
}

function readSettings() {
  const { values: given } = readOptions();
  const values = { ...usual, ...(given.quick && quick), ...given };
  const chosen = values.only.split(',');
  const unknown = chosen.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) exitWithUsage(`there is no part "${unknown}" (${Object.keys(parts).join(', ')})`);
  const readPositive = (name) => {
    const value = Number(values[name]);
    return value > 0 ? value : exitWithUsage(`--${name} takes a positive number, not "${values[name]}"`);
  };
  return {
    parts: chosen,
    rounds: readPositive('rounds'),
    seconds: readPositive('secs'),
    warmSeconds: readPositive('warm'),
    startRuns: readPositive('runs'),
    idleTunnels: readPositive('idle'),
    manyTunnels: readPositive('many'),
    repeat: values.repeat,
    json: values.json,
    svg: values.svg,
  };
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', default: Object.keys(parts).join() },
        rounds: { type: 'string' },
        secs: { type: 'string' },
        warm: { type: 'string' },
        runs: { type: 'string' },
        idle: { type: 'string' },
        many: { type: 'string' },
        quick: { type: 'boolean', default: false },
        repeat: { type: 'boolean', default: false },
        json: { type: 'string' },
        svg: { type: 'string' },
      },
    });
  } catch (error) {
    return exitWithUsage(error.message);
  }
}

function formatLoad(averages) {
  return averages.map((average) => average.toFixed(2)).join(' ');
}

/** @returns {never} */
function exitWithUsage(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
