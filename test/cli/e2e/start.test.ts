import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { runTunl } from '../../support/harness/tunl-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunl-start-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Loaded {
  /** Without the part that stands for the contents. */
  readonly names: readonly string[];
  readonly bytes: number;
}

/** The files of dist/ that a run loads. */
async function listLoaded(name: string, words: readonly string[]): Promise<Loaded> {
  const coverage = join(folder, name);
  await runTunl(words, { NODE_V8_COVERAGE: coverage });
  const [report = expect.fail('no coverage was written')] = readdirSync(coverage);
  const { result } = JSON.parse(readFileSync(join(coverage, report), 'utf8')) as { result: { url: string }[] };
  const paths = result.filter(({ url }) => url.includes('/dist/')).map(({ url }) => fileURLToPath(url));
  return {
    names: paths.map((path) => basename(path).replace(/-\w{8}\.js$/, '')),
    bytes: paths.reduce((sum, path) => sum + statSync(path).size, 0),
  };
}

// What an ssh waits for: neither servers, tables and colours nor TLS and HTTP/2 are loaded for a plain proxy.
test('a connect loads what it needs and no more', async () => {
  const { names, bytes } = await listLoaded('connect', ['connect', '127.0.0.1:1', '-x', 'http://127.0.0.1:1']);
  expect(names).toContain('connect');
  expect(
    names.filter((name) =>
      /^(?:serve|forward|client|material|server|h2|ora|cli-table3|chalk|source|self|help)/.test(name),
    ),
  ).toEqual([]);
  // Where the bundler cuts depends on what commands share: a file more costs a quarter of a millisecond.
  expect(names.length).toBeLessThan(40);
  expect(bytes).toBeLessThan(236 * 1024);
});

test('the version is answered before anything else is loaded', async () => {
  const { names } = await listLoaded('version', ['--version']);
  expect(names).toContain('main.js');
  expect(names.length).toBeLessThan(5);
});
