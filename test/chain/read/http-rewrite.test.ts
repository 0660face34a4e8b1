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
])('%s is refused', (text, says) => {
  expect(refusalOf(() => loadText(text)).message).toContain(says);
});
