import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Entries, type Entry } from '../../src/background/entries.ts';
import { parseInstanceName } from '../../src/background/name.ts';
import { makeTempFolder } from '../support/temp.ts';

const entry = (name: string, id: string): Entry => ({ version: 1, name, id, socket: `/run/${id}.sock` });

function open(): { folder: string; entries: Entries } {
  const folder = makeTempFolder();
  return { folder, entries: new Entries(folder) };
}

describe('entries', () => {
  test('are listed by name and read again, and nothing else lies beside them', async () => {
    const { folder, entries } = open();
    await entries.add(entry('web', '1'));
    await entries.add(entry('db', '2'));
    writeFileSync(join(folder, 'db.log'), 'a line\n');
    expect(await entries.names()).toEqual(['db', 'web']);
    expect(await entries.read('db')).toEqual(entry('db', '2'));
    expect(readdirSync(folder).toSorted()).toEqual(['db.json', 'db.log', 'web.json']);
  });

  test('of one name are added once, however many try', async () => {
    const { entries } = open();
    const ids = ['1', '2', '3', '4', '5'];
    const added = await Promise.all(ids.map((id) => entries.add(entry('db', id))));
    expect(added.filter(Boolean)).toHaveLength(1);
    expect((await entries.read('db'))?.id).toBe(ids[added.indexOf(true)]);
  });

  test('of another run are not removed', async () => {
    const { entries } = open();
    await entries.add(entry('db', '2'));
    await entries.remove('db', '1');
    await entries.remove('db', undefined);
    expect((await entries.read('db'))?.id).toBe('2');
    await entries.remove('db', '2');
    expect(await entries.names()).toEqual([]);
  });

  test.each(['', 'null', '{"id":1,"socket":"x"}', '{"id":"1"', `"${'x'.repeat(5000)}"`])(
    'that cannot be read count as none, and go as such: %s',
    async (text) => {
      const { folder, entries } = open();
      writeFileSync(join(folder, 'db.json'), text);
      expect(await entries.read('db')).toBeUndefined();
      await entries.remove('db', '1');
      expect(existsSync(join(folder, 'db.json'))).toBe(true);
      await entries.remove('db', undefined);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('are not read through links', async () => {
    const { folder, entries } = open();
    const elsewhere = open();
    await elsewhere.entries.add(entry('db', '1'));
    symlinkSync(join(elsewhere.folder, 'db.json'), join(folder, 'db.json'));
    expect(await entries.read('db')).toBeUndefined();
  });

  test('are none where there is no folder', async () => {
    expect(await new Entries(join(makeTempFolder(), 'missing')).names()).toEqual([]);
  });
});

describe('the name of an instance', () => {
  test.each(['db', 'DB-2', 'a.b_c', `a${'1'.repeat(62)}`])('may be %s', (name) => {
    expect(parseInstanceName(name)).toBe(name);
  });

  test.each(['', '5432', '-f', '.db', '../db', 'a/b', 'a:1', 'a b', 'ä', `a${'1'.repeat(63)}`])(
    'may not be %j',
    (name) => {
      expect(() => parseInstanceName(name)).toThrow('is not a name');
    },
  );
});
