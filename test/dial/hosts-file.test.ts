import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openHostsFile } from '../../src/dial/hosts-file.ts';
import { makeTempFolder } from '../support/temp.ts';

function makeHosts(text: string) {
  const path = join(makeTempFolder(), 'hosts');
  writeFileSync(path, text);
  const hosts = openHostsFile(path);
  return { path, lookup: async (name: string) => (await hosts.lookup(name)).map(({ address }) => address) };
}

test('reads addresses, aliases and comments', async () => {
  const { lookup } = makeHosts(
    [
      '# 10.0.0.1 commented',
      '127.0.0.1\tlocalhost',
      '  10.0.0.2  DB db.corp # note',
      '10.0.0.3 db',
      '::1 db',
      'nonsense db',
      '',
    ].join('\r\n'),
  );
  expect(await lookup('localhost')).toEqual(['127.0.0.1']);
  expect(await lookup('db')).toEqual(['10.0.0.2', '10.0.0.3', '::1']);
  expect(await lookup('db.corp')).toEqual(['10.0.0.2']);
  expect(await lookup('commented')).toEqual([]);
  expect(await lookup('note')).toEqual([]);
});

test('is read again when it changes, is removed and comes back', async () => {
  const { path, lookup } = makeHosts('10.0.0.1 db\n');
  expect(await lookup('db')).toEqual(['10.0.0.1']);
  writeFileSync(path, '10.0.0.22 db\n');
  expect(await lookup('db')).toEqual(['10.0.0.22']);
  rmSync(path);
  expect(await lookup('db')).toEqual([]);
  writeFileSync(path, '10.0.0.3 db\n');
  expect(await lookup('db')).toEqual(['10.0.0.3']);
});

test('has no names where there is no file, and none that a name of ours could mean', async () => {
  expect(await openHostsFile('/no/such/file').lookup('db')).toEqual([]);
  expect(await makeHosts('10.0.0.1 db\n').lookup('constructor')).toEqual([]);
});
