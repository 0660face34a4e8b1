import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { preparePortFile } from '../../../src/cli/options/port-file.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { refusalOf } from '../../support/usage.ts';

test('is absent until it is published, then whole, then absent again', () => {
  const path = join(makeTempFolder(), 'port');
  writeFileSync(path, 'stale');
  const file = preparePortFile(path);
  expect(existsSync(path)).toBe(false);
  file.publish('1\n2\n');
  expect(readFileSync(path, 'utf8')).toBe('1\n2\n');
  file.remove();
  expect(existsSync(path)).toBe(false);
});

test('may be removed without having been published', () => {
  const path = join(makeTempFolder(), 'port');
  preparePortFile(path).remove();
  expect(existsSync(path)).toBe(false);
});

test('stays where somebody has written another', () => {
  const path = join(makeTempFolder(), 'port');
  const file = preparePortFile(path);
  file.publish('1\n');
  preparePortFile(path).publish('2\n');
  file.remove();
  expect(readFileSync(path, 'utf8')).toBe('2\n');
});

test('says so when its folder goes away before it is published', () => {
  const folder = join(makeTempFolder(), 'folder');
  mkdirSync(folder);
  const file = preparePortFile(join(folder, 'port'));
  rmSync(folder, { recursive: true });
  expect(refusalOf(() => file.publish('1\n'))).toEqual({
    message: `cannot write the port file "${join(folder, 'port')}": there is no such folder`,
    hints: [expect.stringContaining('the folder must be writable')],
  });
});
