import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { TunlEvent } from '../../src/core/events.ts';
import { LogFiles } from '../../src/telemetry/access-log.ts';
import { eventually, inTime } from '../support/eventually.ts';
import { makeTempFolder } from '../support/temp.ts';

function makeFiles() {
  const said: string[] = [];
  const files = new LogFiles((event: TunlEvent) => void (event.event === 'notice' && said.push(event.message)));
  onTestFinished(() => files.close());
  return { files, said };
}

test('lines are appended to what is there, and everybody who names the path has the same file', async () => {
  const path = join(makeTempFolder(), 'log');
  writeFileSync(path, 'before\n');
  const { files } = makeFiles();
  expect(files.get(path)).toBe(files.get(path));
  for (let line = 1; line <= 3; line++) files.get(path).write(`line ${line}`);
  await files.close();
  expect(readFileSync(path, 'utf8')).toBe('before\nline 1\nline 2\nline 3\n');
});

test('a file that was moved away is found by its path again when it is asked for', async () => {
  const path = join(makeTempFolder(), 'log');
  const { files } = makeFiles();
  files.get(path).write('old');
  await eventually(() => readFileSync(path, { encoding: 'utf8', flag: 'a+' }), 'old\n');
  renameSync(path, `${path}.1`);
  files.get(path).write('still there');
  await files.reopen();
  files.get(path).write('new');
  await files.close();
  expect([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['old\nstill there\n', 'new\n']);
});

test('lines that wait when the files are asked for again go to the file that was there, and none overtakes another', async () => {
  const path = join(makeTempFolder(), 'log');
  const { files } = makeFiles();
  const log = files.get(path);
  let lines = 0;
  const write = (count: number) => {
    for (let line = 0; line < count; line++) log.write(String(lines++).padEnd(1023, '.'));
  };
  const numbersIn = (file: string) =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Number.parseInt(line, 10));
  // The file is the same each time: lines that are written after the call must come after those that waited.
  for (let round = 0; round < 5; round++) {
    write(300);
    const reopened = files.reopen();
    write(50);
    await reopened;
  }
  write(1);
  await eventually(() => numbersIn(path).length, lines);
  write(100);
  renameSync(path, `${path}.1`);
  await files.reopen();
  write(1);
  await files.close();
  expect(numbersIn(`${path}.1`)).toEqual(Array.from({ length: lines - 1 }, (_, index) => index));
  expect(numbersIn(path)).toEqual([lines - 1]);
});

test('a file that cannot be written is told of once, and written once it can be', async () => {
  const folder = makeTempFolder();
  const path = join(folder, 'none', 'log');
  const { files, said } = makeFiles();
  files.get(path).write('one');
  await eventually(() => said, [expect.stringContaining(`access log ${path} cannot be written: ENOENT`)]);
  files.get(path).write('two');
  await files.reopen();
  expect(said).toHaveLength(1);
  spawnSync('mkdir', [join(folder, 'none')]);
  files.get(path).write('three');
  await files.close();
  expect(readFileSync(path, 'utf8')).toBe('three\n');
});

test('a pipe that nobody empties holds nobody up: what does not fit is dropped, and told', async () => {
  const path = join(makeTempFolder(), 'pipe');
  spawnSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(reader));
  const { files, said } = makeFiles();
  const log = files.get(path);
  for (let line = 0; line < 3000; line++) log.write('x'.repeat(1023));
  expect(said).toEqual([`access log ${path} does not keep up: lines are dropped`]);
  const buffer = Buffer.alloc(64 * 1024);
  const drain = () => {
    try {
      readSync(reader, buffer);
    } catch {
      // Nothing there yet.
    }
    return said.slice(1);
  };
  await eventually(drain, [`access log ${path} keeps up again: 1976 lines are missing`]);
});

test('a reader that stands still does not hold up who wants the files to be found again', async () => {
  const folder = makeTempFolder();
  const path = join(folder, 'pipe');
  spawnSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(reader));
  const { files } = makeFiles();
  for (let line = 0; line < 500; line++) files.get(path).write('x'.repeat(1023));
  await inTime('the end of the wait', files.reopen());
  files.get(join(folder, 'other')).write('on it goes');
  await eventually(() => readFileSync(join(folder, 'other'), { encoding: 'utf8', flag: 'a+' }), 'on it goes\n');
});

test('a full disk is told of once and holds nobody up', async () => {
  const { files, said } = makeFiles();
  const log = files.get('/dev/full');
  log.write('one');
  await eventually(() => said, [expect.stringContaining('access log /dev/full cannot be written: ENOSPC')]);
  log.write('two');
  await files.close();
  expect(said).toHaveLength(1);
});
