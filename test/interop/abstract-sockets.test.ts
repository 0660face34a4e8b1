import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hasAbstractNames } from '../support/abstract-names.ts';
import { eventually } from '../support/eventually.ts';
import { makeTempFolder } from '../support/temp.ts';
import { envoyProgram, hasEnvoy } from './parts/envoy.ts';
import { type Command, launch, run } from './support/process.ts';
import { makeTunlCommand, tunl } from './support/tunl.ts';

let count = 0;
const makeName = () => `tunl-interop-${process.pid}-${++count}`;

/** Runs a program for as long as the test lasts, and waits until it listens on a name. */
async function startOn(name: string, command: Command): Promise<void> {
  const running = launch(command);
  onTestFinished(async () => void (await running.stop()));
  const isThere = () => readFileSync('/proc/net/unix', 'latin1').includes(` @${name}\n`) || running.stderr();
  await eventually(isThere, true);
}

const echoAt = (name: string) => startOn(name, { file: 'socat', args: [`ABSTRACT-LISTEN:${name},fork`, 'PIPE'] });

async function ask(name: string, words: string): Promise<string> {
  const { stdout } = await run({ file: 'socat', args: ['-t5', '-', `ABSTRACT-CONNECT:${name}`] }, { input: words });
  return stdout;
}

/** Writes the file with names of its own. */
function writeFile(name: string): string {
  const file = join(makeTempFolder(), 'envoy.yaml');
  const text = readFileSync(new URL('envoy-files/tcp-abstract.yaml', import.meta.url), 'utf8');
  writeFileSync(file, text.replaceAll('NAME', name));
  return file;
}

const runEnvoy = (file: string): Command => ({
  file: envoyProgram,
  args: ['-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
});

test.runIf(hasAbstractNames)('socat finds our listener, and we find that of socat', async () => {
  const name = makeName();
  await echoAt(`${name}-out`);
  const quiet = ['forward', '-q', `unix:@${name}-in:unix:@${name}-out`];
  await startOn(`${name}-in`, makeTunlCommand(quiet));
  expect(await ask(`${name}-in`, 'hello\n')).toBe('hello\n');
});

test.runIf(hasAbstractNames)(
  'a file of Envoy leads from name to name, run by tunl behind Envoy and before it',
  async () => {
    for (const [first, second] of [
      ['envoy', 'tunl'],
      ['tunl', 'envoy'],
    ]) {
      const [outer, inner] = [makeName(), makeName()];
      const commandOf = (program: string | undefined, file: string) =>
        program === 'envoy' ? runEnvoy(file) : makeTunlCommand(['chain', '-q', '-c', file]);
      await echoAt(`${inner}-out`);
      await startOn(`${inner}-in`, commandOf(second, writeFile(inner)));
      const file = writeFile(outer);
      writeFileSync(file, readFileSync(file, 'utf8').replace(`@${outer}-out`, `@${inner}-in`));
      await startOn(`${outer}-in`, commandOf(first, file));
      expect(await ask(`${outer}-in`, 'hello\n')).toBe('hello\n');
    }
  },
);

test.runIf(hasAbstractNames && hasEnvoy)('what is exported for Envoy has the same names', async () => {
  const name = makeName();
  const { stdout } = await tunl(['forward', '--export', 'envoy', `unix:@${name}-in:unix:@${name}-out`]);
  const file = join(makeTempFolder(), 'envoy.yaml');
  writeFileSync(file, stdout);
  await echoAt(`${name}-out`);
  await startOn(`${name}-in`, runEnvoy(file));
  expect(await ask(`${name}-in`, 'hello\n')).toBe('hello\n');
});

test.runIf(!hasAbstractNames)(
  'where the names would be padded, a file with one is refused before anything is opened',
  async () => {
    const { code, stderr } = await tunl(['chain', '-c', writeFile(makeName()), '--check']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/envoy\.yaml:6:\d+: .*needs Node 22 or later/);
  },
);
