import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listBlocks, listPages } from '../../../scripts/pages.mjs';
import { proxyOption } from '../../../src/cli/options/route.ts';
import { run } from '../../../src/cli/run.ts';
import { frontKinds } from '../../../src/fronts/index.ts';
import { splitFront } from '../../../src/syntax/listen.ts';
import { makeIo } from '../../support/harness/fake-io.ts';
import { readPage } from '../../support/readme.ts';
import { commands, parseCommandLine } from '../../support/harness/command-line.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunl-examples-'));
  mkdirSync(join(folder, '.zfunc'));
  mkdirSync(join(folder, '.config/fish/completions'), { recursive: true });
  // The stub of tunl notes its arguments; that of ssh only calls its ProxyCommand.
  const stubs = {
    tunl: `printf '%s\\0' "$@" >>"$HOME/words"; printf '\\n' >>"$HOME/words"`,
    ssh: `for word; do case $word in ProxyCommand=*) line=\${word#*=} ;; esac; done
      line=\${line//%h/host}; eval "\${line//%p/22}"`,
    git: `eval "$GIT_SSH_COMMAND git@github.com git-upload-pack"`,
  };
  for (const [name, script] of Object.entries(stubs)) {
    writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a line in a shell, and returns the arguments of each call of tunl. */
function splitLine(text: string): string[][] {
  writeFileSync(join(folder, 'words'), '');
  const env = { HOME: folder, PATH: `${folder}:${process.env['PATH']}` };
  const { stderr } = spawnSync('bash', ['-c', `${text}\nwait`], { cwd: folder, env, encoding: 'utf8', input: '' });
  expect(stderr).toBe('');
  const lines = readFileSync(join(folder, 'words'), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => line.split('\0').slice(0, -1));
}

const examples = commands.flatMap((command) => command.examples.map(({ line }) => [command.name, line] as const));

/** The lines of pages that no test runs and that call tunl; what else is in their blocks is not for this machine. */
const shown = listPages().flatMap((page) =>
  listBlocks(readPage(page))
    .filter(({ mark, language }) => mark?.startsWith('illustration') === true && language === 'sh')
    .flatMap(({ text }) => text.split('\n').filter((line) => /\btunl [a-z]/.test(line)))
    .map((line) => [page, line] as const),
);

test.each(shown)('what %s shows and no test runs is a command: %s', (_page, line) => {
  const calls = splitLine(line);
  expect(calls).not.toEqual([]);
  for (const words of calls) expect(() => parseCommandLine(words)).not.toThrow();
});

describe.each(examples)('an example of %s: %s', (name, text) => {
  let calls: string[][];

  beforeAll(() => {
    calls = splitLine(text);
  });

  test('calls tunl', () => {
    expect(calls.map(([command]) => command)).toContain(name);
    for (const words of calls) expect(() => parseCommandLine(words)).not.toThrow();
  });

  // Commands that listen or need files cannot be tried here; the tests that run the README have them.
  test('means something, as far as the first proxy can tell', async () => {
    for (const words of calls) {
      const { command, args } = parseCommandLine(words);
      if (!['connect', 'forward'].includes(command.name) || args.get(proxyOption).some((url) => url.includes('=')))
        continue;
      const first = ['-x', 'http://127.0.0.1:1'];
      const io = makeIo();
      const own = (args.rest ? words.slice(0, words.indexOf('--')) : words).map((word, index, all) =>
        all[index - 1] === '--port-file' ? join(folder, word) : word,
      );
      // The clients of a front name the targets, so nothing can be dialled for it.
      if (args.operands.every((word) => splitFront(word, frontKinds))) {
        expect([await run([command.name, ...first, '--print', ...own.slice(1)], io), io.said()]).toEqual([0, '']);
        continue;
      }
      const check = own.includes('--check') ? [] : ['--check'];
      expect([await run([command.name, ...first, ...check, ...own.slice(1)], io), io.said()]).toEqual([
        7,
        expect.stringContaining('127.0.0.1:1'),
      ]);
    }
  });
});
