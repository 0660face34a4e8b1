import { expect, test } from 'vitest';
import { loadText } from '../../support/graphs/chain-file.ts';
import { refusalOf } from '../../support/usage.ts';

const write = (route: string, upstream = "{ to: 'field::authority', names: true }", more = '') =>
  `stages: { a: { listen: 1, http: { ${more} routes: [{ ${route} }], upstreams: { up: ${upstream} } } } }`;

test('a rewrite and names of a field are read', () => {
  const [stage] = loadText(write('to: up, rewrite: { host-field: X-Host }')).graph.stages;
  expect(stage).toMatchObject({
    hosts: [{ routes: [{ action: { kind: 'requests', rewrite: { hostField: 'x-host' } } }] }],
    upstreams: [{ to: { field: ':authority', names: true } }],
  });
});

test('changes of fields are read on every level', () => {
  const [stage] = loadText(
    `stages: { a: { listen: 1, http: { routes-change-last: true, request-headers: { remove: [X-A, b] }, hosts: {
      a: { request-headers: { add: { X-C: ['1', { value: '', keep-empty: true }] } }, routes: [
        { to: 'db:80', response-headers: { set-present: { server: 'a%%' }, add-absent: { x-d: '%RESP(a)%' } } } ] } } } } }`,
  ).graph.stages;
  expect(stage).toMatchObject({
    routesChangeLast: true,
    changes: { request: { remove: ['x-a', 'b'] } },
    hosts: [
      {
        changes: {
          request: {
            add: [
              { name: 'x-c', value: '1' },
              { name: 'x-c', value: '', keepEmpty: true },
            ],
          },
        },
        routes: [
          {
            changes: {
              response: {
                setPresent: [{ name: 'server', value: 'a%%' }],
                addAbsent: [{ name: 'x-d', value: '%RESP(a)%' }],
              },
            },
          },
        ],
      },
    ],
  });
});

test.each([
  [write('to: up, rewrite: {}'), 'a rewrite changes nothing'],
  [write('to: up, rewrite: { host: a, host-field: b }'), 'a rewrite has host or host-field, not both'],
  [write("to: up, rewrite: { host-field: 'a b' }"), '"a b" is not the name of a field'],
  [write('to: up, rewrite: { host-of-target: true, host: a }'), 'a rewrite has host or host-of-target, not both'],
  [write('to: up, rewrite: { prefix: /a, regex: b, with: c }'), 'a rewrite has prefix or regex, not both'],
  [write('to: up, rewrite: { regex: b }'), 'regex and with go together'],
  [write("to: up, rewrite: { regex: '(', with: c }"), '"(" is no pattern'],
  [write("to: up, rewrite: { regex: a, with: '\\1' }"), 'the pattern has no group'],
  [write("to: up, rewrite: { prefix: '/a b' }"), '"/a b" cannot be part of a path'],
  [write("to: up, rewrite: { host: 'a b' }"), '"a b" is not a host'],
  [write("regex: '(', to: up"), '"(" is no pattern'],
  [write('regex: a, prefix: /b, to: up'), 'a route has prefix or regex, not both'],
  [write("to: up, headers: { foo: { regex: '(' } }"), '"(" is no pattern'],
  [write('answer: 200, rewrite: { host: a }'), 'rewrite does not go with answer'],
  [write('to: up', "{ to: 'db:80', names: true }"), 'names goes with field:NAME alone'],
  [write('to: up', undefined, "deny: '10.0.0.0/8',"), 'whose addresses no rule of the stage would see'],
  [write('to: up', undefined, 'users: /etc/users,'), 'whose addresses no rule of the stage would see'],
  [write('to: up, request-headers: {}'), 'this changes nothing'],
  [write('to: up, request-headers: { remove: Host }'), '"Host" cannot be changed'],
  [write("to: up, response-headers: { add: { ':status': '1' } }"), '":status" cannot be changed'],
  [write("to: up, request-headers: { set: { x-a: '%RESP(a)%' } }"), '%RESP% has no value in a request'],
  [write("to: up, request-headers: { set: { x-a: '1%' } }"), 'a % does not begin an operator'],
  [write("to: up, request-headers: { set: { authorization: 'Bearer x' } }"), 'is in plain text'],
])('%s is refused', (text, says) => {
  expect(refusalOf(() => loadText(text)).message).toContain(says);
});
