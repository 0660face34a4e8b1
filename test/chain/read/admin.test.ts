import { expect, test } from 'vitest';
import { dumpGraph, printGraph } from '../../../src/chain/print/graph.ts';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';

const stages = 'stages:\n  a: { listen: 1, to: b:2 }\n';

test.each([
  ['admin: 9901', { admin: { kind: 'tcp', host: '127.0.0.1', port: 9901 } }],
  ['admin: "[::1]:0"', { admin: { kind: 'tcp', host: '::1', port: 0 } }],
  ['admin: unix:run/admin', { admin: { kind: 'unix', path: '/etc/tunl/run/admin' } }],
  ['admin: { listen: "*:9901", open: true }', { admin: { kind: 'tcp', host: '*', port: 9901 }, adminOpen: true }],
])('%s', (line, expected) => {
  const { graph } = loadText(`${line}\n${stages}`);
  expect(graph).toMatchObject(expected);
  expect(loadText(printGraph(graph)).graph).toEqual(graph);
  expect(dumpGraph(graph)).toHaveProperty('admin');
});

test.each([
  ['admin: internal://a', '1:8: no other stage may reach the admin address'],
  ['admin: { listen: 1, opne: true }', '1:21: unknown key "opne"'],
  ['admin: { open: true }', '1:8: listen must be an address'],
  ['admin: nowhere', '1:8: "nowhere": "nowhere" is not a port from 0 to 65535'],
  ['admin: 1', '3:16: 127.0.0.1:1 is listened on by admin already'],
])('%s is refused', (line, message) => {
  expect(refusalOf(() => loadText(`${line}\n${stages}`)).message).toContain(message);
});

test('a dump names no secret, not even one that a route compares with', () => {
  const text = `
stages:
  web:
    listen: 1
    http:
      routes:
        - { headers: { Authorization: Bearer S3ntinel, x-team: db }, to: far }
        - { headers: { cookie: { prefix: S3ntinel }, authorization: true }, to: far }
      upstreams:
        far: { to: 'db:1', via: { url: 'http://p:1', headers: { Proxy-Authorization: '\${SECRET}' } } }
`;
  const dump = JSON.stringify(dumpGraph(loadText(text, { SECRET: 'S3ntinel' }).graph));
  expect(dump).not.toContain('S3ntinel');
  expect(dump).toContain('"x-team":"db"');
  expect(dump).toContain('"authorization":true');
});
