// Writes the files that are generated from the program: completions, manual, goldens of the help, tables of the pages.
// With --check it writes nothing, and fails if a file is out of date.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawRatios } from '../test/bench/results/svg.mjs';
import { loadSource } from './load-source.mjs';
import { fillContents, listPages } from './pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

function print(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/main.js'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '' },
  });
  if (status !== 0) throw new Error(`tunl ${args.join(' ')} failed: ${stderr}`);
  return stdout;
}

const { makeJsonSchema } = await loadSource('src/chain/read/schema.ts');
const { listFields } = await loadSource('src/envoy/schema/field-list.ts');
const { fillTables } = await loadSource('src/cli/docs/readme-tables.ts');
const { formatManual } = await loadSource('src/cli/docs/manual/index.ts');
const { loadCommands } = await loadSource('src/cli/commands/index.ts');
const { makeConfigForm } = await loadSource('src/app/commands/config.ts');
const configForm = await makeConfigForm();
const specs = await loadCommands();
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const pages = [...formatManual(specs, version)];
const commands = pages.flatMap(([name]) => /^tunl-(.+)\.1$/.exec(name)?.[1] ?? []);
const files = {
  ...Object.fromEntries(
    listPages().map((name) => [name, () => fillContents(fillTables(readFileSync(join(root, name), 'utf8')))]),
  ),
  'docs/chain.schema.json': () => `${JSON.stringify(makeJsonSchema(), undefined, 2)}\n`,
  'docs/config.schema.json': () => `${JSON.stringify(configForm.makeJsonSchema(), undefined, 2)}\n`,
  'docs/envoy-fields.md': listFields,
  'docs/bench.svg': () => drawRatios(JSON.parse(readFileSync(join(root, 'docs/bench.json'), 'utf8'))),
  'completions/tunl.bash': () => print('completion', 'bash'),
  'completions/_tunl': () => print('completion', 'zsh'),
  'completions/tunl.fish': () => print('completion', 'fish'),
  ...Object.fromEntries(pages.map(([name, text]) => [`man/${name}`, () => text])),
  'test/golden/help.txt': () => print('--help'),
  'test/golden/help-exit-codes.txt': () => print('help', 'exit-codes'),
  ...Object.fromEntries(commands.map((name) => [`test/golden/help-${name}.txt`, () => print(name, '--help')])),
  ...Object.fromEntries(commands.map((name) => [`test/golden/help-all-${name}.txt`, () => print(name, '--help-all')])),
};

const stale = [];
for (const [name, make] of Object.entries(files)) {
  const path = join(root, name);
  const text = make();
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  stale.push(name);
  if (process.argv.includes('--check')) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`not up to date: ${stale.join(', ')}; run npm run generate`);
  process.exitCode = 1;
} else {
  for (const name of stale) console.log(`wrote ${name}`);
}
