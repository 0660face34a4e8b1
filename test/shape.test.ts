import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
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

/** What the script says of sources that are made up. */
function proveShape(sources: Readonly<Record<string, string>>): string {
  const tree = mkdtempSync(join(folder, 'tree-'));
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(tree, 'src', path)), { recursive: true });
    writeFileSync(join(tree, 'src', path), text);
  }
  const script = join(root, 'scripts/shape.mjs');
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, tree], { encoding: 'utf8' });
  expect([stderr, status]).toEqual(['', stdout === '' ? 0 : 1]);
  return stdout;
}

test.each([
  ['an import downward', { 'app/a.ts': "import { b } from '../core/b.ts';\n", 'core/b.ts': '' }],
  ['a type of another owner', { 'http/a.ts': "import type { TLSSocket } from 'node:tls';\n" }],
  ['an owner that loads its own', { 'tls/a.ts': "import { connect } from 'node:tls';\n" }],
  ['a file that may do more than its folder', { 'dial/via.ts': "import { c } from '../tls/c.ts';\n", 'tls/c.ts': '' }],
])('the shape of %s is right', (_, sources) => {
  expect(proveShape(sources)).toBe('');
});

test.each([
  ['upward', { 'core/a.ts': "export { b } from '../http/b.ts';\n", 'http/b.ts': '' }, 'core may import core'],
  [
    'beside',
    { 'tls/a.ts': "import type { B } from '../dial/b.ts';\n", 'dial/b.ts': '' },
    'src/tls/a.ts imports src/dial/b.ts',
  ],
  ['late', { 'words/a.ts': "await import('../app/b.ts');\n", 'app/b.ts': '' }, 'src/words/a.ts imports src/app/b.ts'],
  ['from nowhere', { 'new/a.ts': '' }, 'src/new has no place'],
])('an import %s is found', (_, sources, message) => {
  expect(proveShape(sources)).toContain(message);
});

test('a circle is found, also one of types and late imports', () => {
  const sources = {
    'core/a.ts': "import type { B } from './b.ts';\n",
    'core/b.ts': "import {\n  c,\n} from './c.ts';\n",
    'core/c.ts': "export const d = () => import('./a.ts');\n",
  };
  expect(proveShape(sources)).toBe('a circle of imports: src/core/a.ts, src/core/b.ts, src/core/c.ts\n');
});

test('who loads what another one owns is found', () => {
  expect(proveShape({ 'app/a.ts': "import chalk from 'chalk';\n" })).toContain('src/app/a.ts loads chalk');
  expect(proveShape({ 'app/a.ts': "await import('node:https');\n" })).toContain('src/app/a.ts loads node:https');
});

test('a folder with more files than a room holds is found', () => {
  const rooms = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`relay/file-${index}.ts`, '']));
  expect(proveShape(rooms(17))).toBe('');
  expect(proveShape(rooms(18))).toBe('src/relay has 18 files directly in it; 17 are enough\n');
});
