import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openToken, type TokenSource } from '../../src/auth/bearer/token.ts';
import { Abort } from '../../src/core/abort.ts';
import { eventually } from '../support/eventually.ts';
import { makeTempFolder } from '../support/temp.ts';

/** Begins to authenticate a tunnel, whose dials have the light signals of `core/abort`. */
function begin(source: TokenSource, abort = new Abort()) {
  return openToken(source).begin({ method: 'CONNECT', target: 'db.test:22', signal: abort.signal });
}

test('a token is the first line of a file, read anew for each request', async () => {
  const file = join(makeTempFolder(), 'token');
  writeFileSync(file, 'first\nsecond\n');
  expect(await begin({ file }).start()).toEqual({ kind: 'send', credentials: 'Bearer first' });
  writeFileSync(file, 'a.b-c~1+/==\r\n');
  expect(await begin({ file }).start()).toEqual({ kind: 'send', credentials: 'Bearer a.b-c~1+/==' });
});

test('a token is the first line that a command prints', async () => {
  expect(await begin({ command: 'echo tok; echo more' }).start()).toEqual({
    kind: 'send',
    credentials: 'Bearer tok',
  });
});

test.each([
  ['echo secret-part; exit 3', 'the command gave no token: exit status 3'],
  ['echo "secret-part is no token"', 'the first line of the command is no token'],
  ['true', 'the first line of the command is no token'],
])('%s: the reason does not quote the output', async (command, reason) => {
  expect(await begin({ command }).start()).toEqual({ kind: 'unable', reason });
});

test('a file that is not there is named', async () => {
  const reason = '"/no/token" gave no token: ENOENT';
  expect(await begin({ file: '/no/token' }).start()).toEqual({ kind: 'unable', reason });
});

test('a tunnel that is given up ends the command, and what the command has started', async () => {
  const folder = makeTempFolder();
  const [pidFile, abort] = [join(folder, 'pid'), new Abort()];
  const command = `sleep 600 & echo $! > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; wait`;
  const step = begin({ command }, abort).start();
  await eventually(() => existsSync(pidFile), true);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  abort.abort(new Error('given up'));
  expect(await step).toEqual({ kind: 'unable', reason: 'the command gave no token: it was not waited for' });
  await eventually(() => isRunning(pid), false);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie that nobody has collected yet has ended too.
  const path = `/proc/${pid}/stat`;
  return !existsSync(path) || !/\) Z /.test(readFileSync(path, 'utf8'));
}
