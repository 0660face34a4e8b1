import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { makeIo } from '../../support/harness/fake-io.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tunl-mistakes-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What one stage has, below its name and `listen: 0`. */
const stage = (...lines: readonly string[]) =>
  ['stages:', '  db:', '    listen: 0', ...lines.map((line) => `    ${line}`)].join('\n');

/** The mistakes that people make in files of chains, by what went wrong. */
const mistakes: Readonly<Record<string, string>> = {
  'an empty file': '',
  'a stage beside stages': 'listen: 1080\nto: db:5432',
  'stages as a list': 'stages:\n  - name: db\n    listen: 0\n    to: db:5432',
  'no stage': 'stages: {}',
  'a misspelt key of the file': 'stage:\n  db: { listen: 0, to: db:5432 }',
  'a name with a blank': 'stages:\n  my db: { listen: 0, to: db:5432 }',
  'a misspelt key of a stage': stage('tp: db:5432'),
  'a key that does not exist': stage('to: db:5432', 'colour: red'),
  'a key of a proxy on a stage': stage('proxy: true', 'max-tunnels: 5'),
  'a key of http on a stage': stage('to: db:5432', 'routes: [{ answer: 404 }]'),
  'a limit on a stage': stage('to: db:5432', 'idle: 1h'),
  'the option of the command line': stage('to: db:5432', 'limits: { connect-timeout: 5s }'),
  'a misspelt limit': stage('to: db:5432', 'limits: { idel: 1h }'),
  'a number without a unit': stage('to: db:5432', 'limits: { idle: 60 }'),
  'a key twice': stage('to: db:5432', 'to: cache:6379'),
  'a stage twice': 'stages:\n  db: { listen: 0, to: db:5432 }\n  db: { listen: 0, to: cache:6379 }',
  'an address twice': 'stages:\n  a: { listen: 3128, to: db:5432 }\n  b:\n    listen: 3128\n    to: cache:6379',
  'the address of the admin page': 'admin: 9000\nstages:\n  a: { listen: 9000, to: db:5432 }',
  'an internal name twice':
    'stages:\n  a: { listen: [internal://x, 0], to: db:5432 }\n  b: { listen: internal://x, to: db:5432 }',
  'no target': stage('log: true'),
  'a target without a port': stage('to: db'),
  'one target of two without a port': stage('to: [db:5432, cache]'),
  'a URL as a target': stage('to: https://db.example'),
  'a target as a map': stage('to: { host: db, port: 5432 }'),
  'a port that is none': 'stages:\n  db: { listen: 99999, to: db:5432 }',
  'an unknown scheme': stage('to: db:5432', 'via: htp://proxy:3128'),
  'a setting that no proxy has': stage('to: db:5432', 'via: https://proxy?cacrt=ca.pem'),
  'a password in a URL': stage('to: db:5432', 'via: http://alice:hunter2@proxy:3128'),
  'a password in plain text': stage('to: db:5432', 'via:', '  url: http://alice@proxy:3128', '  password: hunter2'),
  'a misspelt password': stage('to: db:5432', 'via: [{ url: http://proxy:3128, pasword: hunter2 }]'),
  'a secret field in plain text': stage(
    'to: db:5432',
    'via: { url: http://proxy:3128, headers: { Proxy-Authorization: Basic aHVudGVyMg== } }',
  ),
  'a variable that is not set': stage('to: db:5432', 'via: http://alice:${NO_SUCH}@proxy:3128'),
  'the password of a user': stage('proxy:', '  users:', '    alice: hunter2'),
  'two users': stage("proxy: { users: { a: '${A}', b: '${B}' } }"),
  'users that are not there': stage('proxy:', '  users: nobody.htpasswd'),
  'a certificate that is not there': stage('proxy: true', 'tls:', '  client-ca: nowhere.pem'),
  'an authority that is not there': stage('to: db:5432', 'via:', '  - https://proxy?cacert=nowhere.pem'),
  'an authority that is none': stage('to: db:5432', 'via: https://proxy?cacert=chain.yaml'),
  'a key without a certificate': stage('proxy: true', 'tls: { key: server.key }'),
  'a carrier that is none': stage('proxy: { accept: [conect, post] }'),
  'a rule that is none': stage('proxy: { allow: [db.example, 10.0.0.0/99] }'),
  'an open proxy': 'stages:\n  proxy:\n    listen: 0.0.0.0:0\n    proxy: true',
  'an open admin page': `admin: 0.0.0.0:0\n${stage('to: db:5432')}`,
  'a switch with a word': stage('to: db:5432', 'log: yes'),
  'http without routes': stage('http: {}'),
  'a misspelt route': stage('http:', '  routes:', '    - perfix: /', '      answer: 404'),
  'a route that does nothing': stage('http:', '  routes:', '    - prefix: /'),
  'host and hosts': stage('http:', '  host: { a: [{ answer: 404 }] }', '  hosts: { b: [{ answer: 404 }] }'),
  'a name that no stage has': stage('to: internal://cache'),
  'a loop':
    'stages:\n  a: { listen: 0, to: internal://b }\n  b: { to: internal://a }\n  c: { listen: internal://a, to: internal://b }',
  'a stage that nothing leads to': `${stage('to: db:5432')}\n  lost: { to: db:5432 }`,
  'keys in different columns': 'stages:\n  db:\n    listen: 0\n   to: db:5432',
  'a tab': 'stages:\n  db:\n\tlisten: 0\n\tto: db:5432',
  'a bracket that stays open': stage('to: [db:5432'),
  'two documents': `${stage('to: db:5432')}\n---\n${stage('to: db:5432')}`,
  'several at once': stage('tp: db:5432', 'limits: { idel: 1h }', 'log: 1'),
  'a line of some length': stage(
    `to: [${Array.from({ length: 12 }, (_, index) => `db-${index}.internal.example:5432`).join(', ')}, db-12]`,
  ),
};

test('each mistake is answered with its line, a caret and what to do, and without a secret', async () => {
  const path = join(folder, 'chain.yaml');
  const answers: string[] = [];
  for (const [what, text] of Object.entries(mistakes)) {
    writeFileSync(path, `${text}\n`);
    const io = makeIo();
    const status = await run(['chain', '-c', path, '--check'], io);
    const said = io.said().replaceAll(folder, '.');
    expect([what, status, io.out()]).toEqual([what, 2, '']);
    expect(said).not.toMatch(/hunter2|aHVudGVyMg|--[a-z]/);
    const [first = '', line = '', caret = ''] = said.split('\n');
    expect(first).toMatch(/^tunl: \.\/chain\.yaml:\d+:\d+: \S/);
    if (text !== '') {
      const [, row = '', column = ''] = /:(\d+):(\d+):/.exec(first) ?? [];
      expect(line).toMatch(new RegExp(`^tunl:   ${row} \\| `));
      const at = caret.indexOf('^') - line.indexOf('| ') - 2;
      // The caret moves with what is hidden or cut before it.
      if (!/\*\*\*|…/.test(line)) expect(at).toBe(Number(column) - 1);
    }
    answers.push(`# ${what}\n${said}`);
  }
  expect(answers.length).toBeGreaterThan(40);
  await expect(answers.join('\n')).toMatchFileSnapshot('../../golden/chain-mistakes.txt');
});

test.each([
  ['connect among what is accepted', stage('proxy: { accept: [connect, post] }')],
  ['host in the place of hosts', stage('http: { host: { a.example: [{ answer: 404 }] } }')],
  ['a route where a list of them stands', stage('http: { routes: { answer: 404 } }')],
  ['one method, domain and condition in lists', stage('http:', '  routes: [{ method: [GET], answer: [404] }]')],
  [
    'a list where one value stands',
    stage('to: [db.localhost:5432]', 'balance: [first]', 'log: [true]', 'limits: [{ idle: 1h }]'),
  ],
  ['lists in a proxy', stage('proxy: [{ max-tunnels: [5], allow: db.example }]')],
])('a file may have %s', async (_what, text) => {
  const path = join(folder, 'good.yaml');
  writeFileSync(path, text);
  const io = makeIo();
  expect([await run(['chain', '-c', path, '--check'], io), io.said()]).toEqual([0, '']);
});

test('a failure to listen names the stage and its line', async () => {
  const path = join(folder, 'listen.yaml');
  // An address of the documentation (RFC 5737), which no machine has.
  writeFileSync(path, 'stages:\n  db:\n    listen: 192.0.2.1:5432\n    to: db:5432\n');
  const io = makeIo();
  expect(await run(['chain', '-c', path], io)).toBe(98);
  expect(io.said().replaceAll(folder, '.').split('\n').slice(0, 3)).toEqual([
    'tunl: ./listen.yaml:3:13: stage db cannot listen on 192.0.2.1:5432: the address is not one of this machine',
    'tunl:   3 |     listen: 192.0.2.1:5432',
    'tunl:     |             ^',
  ]);
});
