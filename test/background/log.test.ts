import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findLog, readLog, RotatingLog } from '../../src/background/log.ts';
import { makeTempFolder } from '../support/temp.ts';

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /gm;

/** Reads a whole log, without the times. */
async function readAll(path: string): Promise<string> {
  const pieces = [];
  for await (const piece of readLog(path)) pieces.push(piece);
  return Buffer.concat(pieces).toString().replaceAll(time, '');
}

describe('a log', () => {
  test('has the time before each line that has none of its own', () => {
    const path = findLog(makeTempFolder(), 'db');
    const log = new RotatingLog(path);
    log.write('tunl: one\ntunl: two\n');
    log.write('{"event":"listening"}\n');
    log.close();
    const text = readFileSync(path, 'utf8');
    expect(text.match(time)).toHaveLength(2);
    expect(text.replaceAll(time, '')).toBe('tunl: one\ntunl: two\n{"event":"listening"}\n');
  });

  test('is rotated by size, keeps three earlier ones, and is read as one', async () => {
    const folder = makeTempFolder();
    const path = findLog(folder, 'db');
    const log = new RotatingLog(path, 100);
    for (let line = 1; line <= 12; line++) log.write(`${line} ${'x'.repeat(20)}\n`);
    log.close();
    expect(readdirSync(folder).toSorted()).toEqual(['db.log', 'db.log.1', 'db.log.2', 'db.log.3']);
    const numbers = [...(await readAll(path)).matchAll(/^(\d+) x/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test('goes on where an earlier run has left it', async () => {
    const path = findLog(makeTempFolder(), 'db');
    for (const line of ['one\n', 'two\n']) {
      const log = new RotatingLog(path);
      log.write(line);
      log.close();
    }
    expect(await readAll(path)).toBe('one\ntwo\n');
  });

  test('that cannot be written stops nothing, and is written again once that is possible', async () => {
    const folder = join(makeTempFolder(), 'later');
    const log = new RotatingLog(findLog(folder, 'db'));
    log.write('lost\n');
    mkdirSync(folder);
    log.write('kept\n');
    log.close();
    expect(await readAll(findLog(folder, 'db'))).toBe('kept\n');
  });

  test('that is followed goes on with what is added, also over a rotation', async () => {
    const path = findLog(makeTempFolder(), 'db');
    const log = new RotatingLog(path, 60);
    log.write('one\n');
    const additions = [
      () => log.write('two\n'),
      () => log.write(`three${'x'.repeat(30)}\n`),
      () => log.write('four\n'),
    ];
    const awaitMore = () => {
      const add = additions.shift();
      add?.();
      return Promise.resolve(add !== undefined);
    };
    const pieces = [];
    for await (const piece of readLog(path, awaitMore)) pieces.push(piece);
    log.close();
    const words = Buffer.concat(pieces).toString().replaceAll(time, '').replaceAll('x', '').split('\n');
    expect(words).toEqual(['one', 'two', 'three', 'four', '']);
  });

  test('that is missing is empty', async () => {
    const folder = makeTempFolder();
    rmSync(folder, { recursive: true });
    expect(await readAll(findLog(folder, 'db'))).toBe('');
  });
});
