// Runs the core suite on the newest release of several major versions of Node, and prints the result of each at the end:
//
//     npm run test:nodes                      # 20, 22, 24 and 26
//     npm run test:nodes -- 26                # one of them, or 26.10.0
//     npm run test:nodes -- 20 26 --reports DIR   # also writes vitest's report DIR/core-20.json, …
//
// A version other than the running one is downloaded from npm to tunl-nodes/ in the user's cache, and kept there.
// Remove the folder to get newer releases.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installNode, isOf } from './nodes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const lines = ['20', '22', '24', '26'];

const { versions, reports } = readArguments();
const temporary = mkdtempSync(join(tmpdir(), 'tunl-nodes-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));
if (reports) mkdirSync(reports, { recursive: true });

const outcomes = [];
for (const version of versions) outcomes.push(await testOn(version));
console.log(`\n${outcomes.map(({ text }) => text).join('\n')}`);
process.exitCode = outcomes.every(({ isGreen }) => isGreen) ? 0 : 1;

function readArguments() {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { reports: { type: 'string' } } });
    const wrong = positionals.find((version) => !/^\d+(\.\d+){0,2}$/.test(version));
    if (wrong !== undefined) throw new Error(`${wrong} is no version of Node: write ${lines.join(', ')} or 26.10.0`);
    return {
      versions: positionals.length > 0 ? positionals : lines,
      reports: values.reports && resolve(values.reports),
    };
  } catch (error) {
    console.error(`test-nodes: ${error.message}`);
    process.exit(2);
  }
}

/** Runs the suite on one version. A failure before the start of the suite is a result too. */
async function testOn(version) {
  let node;
  try {
    node = provideNode(version);
  } catch (error) {
    console.error(`test-nodes: ${error.message}`);
    return { isGreen: false, text: `Node ${version}: not tested, ${error.message.split('\n')[0]}` };
  }
  console.log(`\n== the core suite on Node ${node.version} (${node.path})`);
  const report = join(reports ?? temporary, `core-${version}.json`);
  const code = await runSuite(node.path, report);
  const counts = readCounts(report);
  const end = code === 0 ? '' : `; vitest ended with ${code}`;
  return { isGreen: code === 0 && counts !== undefined, text: `Node ${node.version}: ${counts ?? 'no report'}${end}` };
}

/** Returns the path of a Node of that version, and its full version. */
function provideNode(version) {
  if (isOf(process.versions.node, version)) return { path: process.execPath, version: process.versions.node };
  return installNode(version);
}

/** Resolves with the status of vitest, or the signal that ended it. */
function runSuite(node, report) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(node, [vitest, 'run', '--project', 'fast', '--project', 'slow', ...reporters], {
    cwd: root,
    stdio: 'inherit',
    // Tests that start `node` by its name get the same Node.
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` },
  });
  const stop = () => child.kill('SIGTERM');
  process.once('SIGTERM', stop);
  return new Promise((done) => {
    child.once('error', (error) => done(error.message));
    child.once('exit', (code, signal) => {
      process.off('SIGTERM', stop);
      done(code ?? signal);
    });
  });
}

function readCounts(report) {
  try {
    const {
      numPassedTests: passed,
      numFailedTests: failed,
      numPendingTests: notRun,
    } = JSON.parse(readFileSync(report, 'utf8'));
    return `${passed} passed, ${failed} failed${notRun > 0 ? `, ${notRun} not run` : ''}`;
  } catch {
    return undefined;
  }
}
