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
  ['src/core/link.ts', 'node:net'],
  ['src/http/wire/head.ts', 'node:tls'],
  ['src/http/h2/request.ts', 'node:http2'],
  ['src/relay/relay.ts', 'node:net'],
  ['src/tls/client.ts', 'node:net'],
  ['src/app/commands/serve.ts', 'chalk'],
  ['src/cli/run.ts', 'node:http2'],
])('the linter stops %s from importing %s', (path, specifier) => {
  expect(lint(path, `import { thing } from '${specifier}';\nthing();\n`)).toContain('no-restricted-imports');
});

test.each([
  ['src/http/wire/head.ts', '../../core/link.ts'],
  ['src/sockets/flow-socket.ts', 'node:net'],
  ['src/listeners/socket.ts', 'node:net'],
  ['src/tls/client.ts', 'node:tls'],
  ['src/cli/parse/program.ts', 'yargs'],
])('the linter lets %s import %s', (path, specifier) => {
  expect(lint(path, `import { thing } from '${specifier}';\nthing();\n`)).not.toContain('no-restricted-imports');
});

test('the linter lets everyone tell an address from a name', () => {
  const text = "import { BlockList, isIP } from 'node:net';\nisIP(String(new BlockList()));\n";
  expect(lint('src/policy/pattern.ts', text)).not.toContain('no-restricted-imports');
});

/** Runs the script on sources that are made up, and returns its output. */
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
  ['an import downward', { 'app/commands/a.ts': "import { b } from '../../core/b.ts';\n", 'core/b.ts': '' }],
  ['a type of another owner', { 'http/wire/a.ts': "import type { TLSSocket } from 'node:tls';\n" }],
  ['an owner that loads its own', { 'tls/a.ts': "import { connect } from 'node:tls';\n" }],
  ['a file that may do more than its folder', { 'dial/via.ts': "import { c } from '../tls/c.ts';\n", 'tls/c.ts': '' }],
  ['a room that imports a lower one', { 'http/h1/a.ts': "import { b } from '../wire/b.ts';\n", 'http/wire/b.ts': '' }],
  [
    'a room within a room',
    { 'http/h2/server.ts': "export { b } from './sessions/b.ts';\n", 'http/h2/sessions/b.ts': '' },
  ],
])('the shape of %s is right', (_, sources) => {
  expect(proveShape(sources)).toBe('');
});

test.each([
  ['upward', { 'core/a.ts': "export { b } from '../relay/b.ts';\n", 'relay/b.ts': '' }, 'core may import core'],
  [
    'beside',
    { 'tls/a.ts': "import type { B } from '../dial/b.ts';\n", 'dial/b.ts': '' },
    'src/tls/a.ts imports src/dial/b.ts',
  ],
  [
    'late',
    { 'syntax/a.ts': "await import('../app/tunnel/b.ts');\n", 'app/tunnel/b.ts': '' },
    'src/syntax/a.ts imports src/app/tunnel/b.ts',
  ],
  ['from nowhere', { 'new/a.ts': '' }, 'src/new has no place'],
  ['from a room that is not in the table', { 'http/attic/a.ts': '' }, 'src/http/attic has no place'],
  [
    'from a lower room into an upper one',
    { 'http/wire/a.ts': "import { b } from '../h1/b.ts';\n", 'http/h1/b.ts': '' },
    'src/http/wire/a.ts imports src/http/h1/b.ts: the rooms of src/http are',
  ],
  [
    'from a room to the door above it',
    { 'cli/parse/a.ts': "import { b } from '../run.ts';\n", 'cli/run.ts': '' },
    'src/cli/parse/a.ts imports src/cli/run.ts',
  ],
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
  expect(proveShape({ 'app/tunnel/a.ts': "import chalk from 'chalk';\n" })).toContain(
    'src/app/tunnel/a.ts loads chalk',
  );
  expect(proveShape({ 'app/tunnel/a.ts': "await import('node:https');\n" })).toContain(
    'src/app/tunnel/a.ts loads node:https',
  );
});

test('a folder with more files than a room holds is found', () => {
  const rooms = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`relay/file-${index}.ts`, '']));
  expect(proveShape(rooms(17))).toBe('');
  expect(proveShape(rooms(18))).toBe('src/relay has 18 files directly in it; 17 are enough\n');
});
