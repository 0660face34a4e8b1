// Runs every check, prints each result, and fails if a check fails: `npm run check [NAME...]`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a program of node_modules/.bin or one of our scripts, and returns its output if it fails. */
function run(file, ...args) {
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() || `${file} failed`;
}

const runTool = (name, ...args) => run(join(root, 'node_modules/.bin', name), ...args);
const runScript = (name, ...args) => run(process.execPath, join(root, 'scripts', name), ...args);

const checks = {
  format: () => runTool('oxfmt', '--check', '.'),
  lint: () => runTool('oxlint', '--type-aware', '--format', 'unix'),
  types: () => runTool('tsc', '-p', '.', '--noEmit'),
  'types of the tests': () => runTool('tsc', '-p', 'test', '--noEmit'),
  shape: () => runScript('shape.mjs'),
  'dead code': () => runTool('knip'),
  pages: () => runScript('pages.mjs'),
  build: () => runScript('build.mjs'),
  package: () => runTool('publint', '--strict'),
  generated: () => runScript('generate.mjs', '--check'),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(checks, name));
if (unknown.length > 0)
  console.error(`no such check: ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}`);

let failures = unknown.length;
for (const [name, check] of Object.entries(checks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const complaint = check();
  console.log(`${complaint === '' ? 'ok    ' : 'FAILED'}  ${name}`);
  if (complaint === '') continue;
  failures += 1;
  console.log(complaint.replaceAll(/^/gm, '        '));
}
process.exitCode = failures === 0 ? 0 : 1;
