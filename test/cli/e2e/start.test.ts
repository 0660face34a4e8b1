import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

// ssh waits for this start: for a plain proxy it loads no servers, tables, colours, TLS or HTTP/2.
test('a connect loads what it needs and no more', async () => {
  const { names, bytes } = await listLoaded('connect', ['connect', '127.0.0.1:1', '-x', 'http://127.0.0.1:1']);
  expect(names.toSorted()).toEqual(['connect', 'main.js']);
  expect(bytes).toBeLessThan(184 * 1024);
});

test.each([
  ['an https proxy', ['connect', '127.0.0.1:1', '-x', 'https://127.0.0.1:1'], ['tls']],
  ['a listener', ['forward', '0:127.0.0.1:1', '--direct', '--', 'true'], ['run-command', 'serve']],
])('%s costs few more files', async (name, words, more) => {
  const { names } = await listLoaded(name.replace(' ', '-'), words);
  expect(names.toSorted()).toEqual(['connect', 'main.js', ...more]);
});

// Reading `node:fs` by an import, for one, loads file streams and fs/promises.
test('a connect loads no part of Node for things that it does not do', async () => {
  const list = join(folder, 'list.cjs');
  const text = "process.on('exit', () => process._rawDebug(process.moduleLoadList.join('\\n')))";
  writeFileSync(list, text);
  const words = ['connect', '127.0.0.1:1', '-x', 'http://127.0.0.1:1'];
  const { stderr } = await runTunl(words, { NODE_OPTIONS: `--require=${list}` });
  const names = stderr.split('\n').flatMap((line) => /^NativeModule ([^ ]+)$/.exec(line)?.[1] ?? []);
  expect(names).toContain('net');
  const unused =
    /^(?:crypto|tls|http|http2|child_process|v8|dns\/promises|fs\/promises|internal\/fs\/streams|readline|zlib)$/;
  expect(names.filter((name) => unused.test(name))).toEqual([]);
});

test('the version is answered before anything else is loaded', async () => {
  const { names } = await listLoaded('version', ['--version']);
  expect(names).toEqual(['main.js']);
});
