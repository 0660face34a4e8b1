import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runTunl } from '../../support/tunl-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunl-start-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Names of the files of dist/ that a run loads. */
async function listLoaded(name: string, words: readonly string[]): Promise<string[]> {
  const coverage = join(folder, name);
  await runTunl(words, { NODE_V8_COVERAGE: coverage });
  const [report = expect.fail('no coverage was written')] = readdirSync(coverage);
  const { result } = JSON.parse(readFileSync(join(coverage, report), 'utf8')) as { result: { url: string }[] };
  return result.filter(({ url }) => url.includes('/dist/')).map(({ url }) => basename(url).replace(/-\w{8}\.js$/, ''));
}

// What an ssh waits for: neither servers, tables and colours nor TLS and HTTP/2 are loaded for a plain proxy.
test('a connect loads what it needs and no more', async () => {
  const loaded = await listLoaded('connect', ['connect', '127.0.0.1:1', '-x', 'http://127.0.0.1:1']);
  expect(loaded).toContain('connect');
  expect(
    loaded.filter((name) =>
      /^(?:serve|forward|client|material|server|h2|ora|cli-table3|chalk|source|self|help)/.test(name),
    ),
  ).toEqual([]);
  expect(loaded.length).toBeLessThan(28);
});

test('the version is answered before anything else is loaded', async () => {
  const loaded = await listLoaded('version', ['--version']);
  expect(loaded).toContain('main.js');
  expect(loaded.length).toBeLessThan(5);
});
