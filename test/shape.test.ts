import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const sibling = [
  'chain',
  'envoy',
  'router',
  'dial',
  'listeners',
  'carriers',
  'tls',
  'policy',
  'relay',
  'telemetry',
] as const;

/** Whose modules each folder may import beside its own. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  http: ['core'],
  words: ['http', 'core'],
  ...Object.fromEntries(sibling.map((folder) => [folder, ['words', 'http', 'core']])),
  envoy: ['chain', 'words', 'http', 'core'],
  app: [...sibling, 'words', 'http', 'core'],
  // Of the siblings only the registry of carriers, from which help and completions are made.
  cli: ['app', 'carriers', 'words', 'http', 'core'],
};

/** Single files that may do more than their folder. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  'src/dial/via.ts': ['tls'],
  'src/router/match.ts': ['chain'],
};

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** Everything that a module imports, statically, for its types or with `import()`. */
function listImports(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const pattern = /(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm;
  return [...text.matchAll(pattern)].map(([, specifier = '']) => specifier);
}

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

const sources = listFiles('src');

test.each(sources.filter((path) => folderOf(path) !== undefined))('%s imports in one direction', (path) => {
  const folder = folderOf(path) ?? '';
  const allowed = [folder, ...(mayImport[folder] ?? []), ...(exceptions[path] ?? [])];
  const imported = listImports(path)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(path), specifier));
  expect(imported.filter((target) => !allowed.includes(folderOf(target) ?? ''))).toEqual([]);
});

test('every folder of the sources has its place in the direction of imports', () => {
  expect(sources.map(folderOf).filter((folder) => folder !== undefined && !(folder in mayImport))).toEqual([]);
});

const owners: readonly (readonly [module: RegExp, owner: RegExp])[] = [
  [/^node:tls$/, /^src\/tls\//],
  [/^node:http2$/, /^src\/http\//],
  [/^node:https$/, /^never$/],
  [/^(?:yargs|chalk|ora|cli-table3|log-update)$/, /^src\/cli\//],
];

test.each(owners)('%s is loaded by its owner only', (module, owner) => {
  // A type costs nothing and opens nothing.
  const loads = (path: string) =>
    readFileSync(join(root, path), 'utf8')
      .split(/;\n/)
      .filter((statement) => !/\bimport type\b/.test(statement))
      .flatMap((statement) => [...statement.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map(([, name = '']) => name));
  expect(sources.filter((path) => !owner.test(path) && loads(path).some((name) => module.test(name)))).toEqual([]);
});

test('no file is longer than 300 lines', () => {
  const long = [...sources, ...listFiles('test'), ...listFiles('scripts')].filter(
    (path) => readFileSync(join(root, path), 'utf8').split('\n').length > 301,
  );
  expect(long).toEqual([]);
});

const folder = mkdtempSync(join(tmpdir(), 'tunl-shape-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lints one file with the rules of this repository, those that need types aside. */
function lint(path: string, text: string): string {
  const config = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as Record<string, unknown>;
  const target = join(folder, path);
  writeFileSync(join(folder, '.oxlintrc.json'), JSON.stringify({ ...config, options: {} }));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  const result = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format', 'unix', path], {
    cwd: folder,
    encoding: 'utf8',
  });
  return result.stdout;
}

test.each([
  ['src/core/link.ts', '../http/head.ts'],
  ['src/core/link.ts', 'node:net'],
  ['src/http/head.ts', '../carriers/h1.ts'],
  ['src/http/head.ts', '../words/text.ts'],
  ['src/words/hop.ts', '../carriers/index.ts'],
  ['src/http/head.ts', 'node:tls'],
  ['src/carriers/h1.ts', '../tls/client.ts'],
  ['src/carriers/deep/frame.ts', '../../relay/relay.ts'],
  ['src/policy/rules.ts', '../app/serve.ts'],
  ['src/relay/relay.ts', 'node:net'],
  ['src/tls/client.ts', 'node:net'],
  ['src/dial/via.ts', '../listeners/socket.ts'],
  ['src/app/serve.ts', '../cli/ui.ts'],
  ['src/app/serve.ts', 'chalk'],
  ['src/cli/run.ts', '../dial/direct.ts'],
  ['src/cli/options/hops.ts', '../../policy/rules.ts'],
  ['src/cli/run.ts', 'node:http2'],
])('the linter stops %s from importing %s', (path, specifier) => {
  expect(lint(path, `import { thing } from '${specifier}';\nthing();\n`)).toContain('no-restricted-imports');
});

test.each([
  ['src/http/head.ts', '../core/link.ts'],
  ['src/chain/model.ts', '../words/hop.ts'],
  ['src/words/hop.ts', '../http/authority.ts'],
  ['src/carriers/h1.ts', '../http/head.ts'],
  ['src/dial/via.ts', '../tls/client.ts'],
  ['src/dial/direct.ts', 'node:net'],
  ['src/listeners/socket.ts', 'node:net'],
  ['src/tls/client.ts', 'node:tls'],
  ['src/app/serve.ts', '../policy/rules.ts'],
  ['src/cli/options/hops.ts', '../../carriers/index.ts'],
  ['src/cli/program.ts', 'yargs'],
])('the linter lets %s import %s', (path, specifier) => {
  expect(lint(path, `import { thing } from '${specifier}';\nthing();\n`)).not.toContain('no-restricted-imports');
});

test('the linter lets everyone tell an address from a name', () => {
  const text = "import { BlockList, isIP } from 'node:net';\nisIP(String(new BlockList()));\n";
  expect(lint('src/policy/range.ts', text)).not.toContain('no-restricted-imports');
});
