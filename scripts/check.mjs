// Runs every check, says how each ended, and fails when one failed: `npm run check [NAME...]`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxLines = 300;

/** Runs a program of node_modules/.bin, or a script of ours, and gives what it printed when it fails. */
function run(file, ...args) {
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim() || `${file} failed`;
}

const runTool = (name, ...args) => run(join(root, 'node_modules/.bin', name), ...args);
const runScript = (name, ...args) => run(process.execPath, join(root, 'scripts', name), ...args);

function listFiles(folder) {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function findLongFiles() {
  const sources = ['src', 'test', 'scripts'].flatMap(listFiles).filter((path) => /\.(?:ts|mjs)$/.test(path));
  return sources
    .map((path) => [path.slice(root.length), readFileSync(path, 'utf8').split('\n').length - 1])
    .filter(([, lines]) => lines > maxLines)
    .map(([path, lines]) => `${path} has ${lines} lines; ${maxLines} are enough`)
    .join('\n');
}

const checks = {
  format: () => runTool('oxfmt', '--check', '.'),
  lint: () => runTool('oxlint', '--type-aware', '--format', 'unix'),
  types: () => runTool('tsc', '-p', '.', '--noEmit'),
  'types of the tests': () => runTool('tsc', '-p', 'test', '--noEmit'),
  length: findLongFiles,
  'dead code': () => runTool('knip'),
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
