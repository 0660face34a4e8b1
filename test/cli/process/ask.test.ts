import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAsk } from '../../../src/cli/process/ask.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { lateRefusalOf } from '../../support/usage.ts';

/** A program that answers for the person. */
function writeAskpass(script: string): string {
  const path = join(makeTempFolder(), 'askpass');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o700);
  return path;
}

const ask = (program: string, require = 'force') =>
  createAsk({
    env: { PATH: process.env['PATH'], SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: require, TUNL_PROXY_PASSWORD: 'x' },
    askpassStderr: 'ignore',
  })('who are you?');

test.each(['force', 'FORCE', 'prefer'])(
  'with SSH_ASKPASS_REQUIRE=%s the program of SSH_ASKPASS is asked',
  async (require) => {
    expect(await ask(writeAskpass('echo "you asked: $1"'), require)).toBe('you asked: who are you?');
  },
);

test.each([
  ['the first line of several', String.raw`printf 'one\ntwo\n'`, 'one'],
  ['a line without an end', String.raw`printf one`, 'one'],
  ['a line that ends as on Windows', String.raw`printf 'one\r\n'`, 'one'],
  ['blanks as they are', String.raw`printf ' one  \n'`, ' one  '],
  ['nothing', 'true', ''],
])('takes %s', async (_what, script, answer) => {
  expect(await ask(writeAskpass(script))).toBe(answer);
});

test('gives the program no password of ours', async () => {
  expect(await ask(writeAskpass('echo "[$TUNL_PROXY_PASSWORD]"'))).toBe('[]');
});

test('gives the program an empty stdin: ours may be the data of a tunnel', async () => {
  expect(await ask(writeAskpass('cat; echo end'))).toBe('end');
});

test.each([
  ['fails', 'echo no; exit 1', 'status 1'],
  ['is killed', 'kill -TERM $$', 'ended by SIGTERM'],
  ['talks without end', 'yes', 'its answer has more than 65536 bytes'],
])('says that the program %s', async (_what, script, why) => {
  const program = writeAskpass(script);
  const { message } = await lateRefusalOf(ask(program));
  expect(message).toBe(`the program of SSH_ASKPASS, "${program.slice(0, 78)}", gave no password: ${why}`);
});

test('says that there is no such program', async () => {
  const program = join(makeTempFolder(), 'nothing');
  expect(existsSync(program)).toBe(false);
  expect((await lateRefusalOf(ask(program))).message).toMatch(
    /^the program of SSH_ASKPASS, ".*", gave no password: no such file$/,
  );
});
