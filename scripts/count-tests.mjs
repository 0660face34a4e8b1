// Adds up vitest's JSON reports and prints `N passed, N failed` as its last line:
//
//     node scripts/count-tests.mjs REPORT...
//
// A missing or unreadable report counts as one failure, because a run without a report did not pass.
// Tests that were skipped because a real program is missing on this machine count as neither; a line reports them.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
let notRun = 0;
for (const path of process.argv.slice(2)) {
  const report = readReport(path);
  passed += report.passed;
  failed += report.failed;
  notRun += report.notRun;
}
if (notRun > 0) console.log(`${notRun} not run`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function readReport(path) {
  try {
    return countReport(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    console.log(`no test report in ${path}: ${error.message}`);
    return { passed: 0, failed: 1, notRun: 0 };
  }
}

function countReport({ numPassedTests: passed, numFailedTests: failed, numPendingTests: notRun, testResults }) {
  if (![passed, failed, notRun].every(Number.isInteger)) throw new Error('it has no counts');
  // A file that fails to load has no tests, so it is counted itself.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return { passed, failed: failed + broken.length, notRun };
}
