import { expect, test } from 'vitest';
import { statusOf, TunlError } from '../../src/core/errors.ts';
import { createPolicy } from '../../src/policy/rules.ts';
import { judge, judgeText, policyOf, type RuleTexts, toTarget } from './verdict.ts';

const no = 'http_request_denied';
const noIp = 'destination_ip_prohibited';

test('without any rule, a loopback server allows every target', () => {
  const policy = policyOf('allow-all');
  for (const target of ['127.0.0.1:22', '[::1]:1', '169.254.169.254:80', '8.8.8.8:25', '[64:ff9b::7f00:1]:22']) {
    expect([target, judge(policy, target)]).toEqual([target, 'allowed']);
  }
  expect(judge(policy, 'localhost:22', '127.0.0.1')).toBe('allowed');
  expect(judge(policy, 'metadata.google.internal:80', '169.254.169.254')).toBe('allowed');
});

test('without any rule, an exposed server denies special addresses and nothing else, on every port', () => {
  const policy = policyOf('deny-special');
  expect(judge(policy, '8.8.8.8:25')).toBe('allowed');
  expect(judge(policy, 'example.com:1', '8.8.8.8')).toBe('allowed');
  expect(judge(policy, 'example.com:443', '10.0.0.1')).toBe(noIp);
  expect(judge(policy, 'example.com:443', 'fe80::1%eth0')).toBe(noIp);
  for (const target of [
    '127.0.0.1:22',
    '[::ffff:127.0.0.1]:22',
    '[::127.0.0.1]:22',
    '[2002:7f00:1::]:22',
    '0.0.0.0:22',
  ]) {
    expect([target, judge(policy, target)]).toEqual([target, noIp]);
  }
});

test.each(['localhost:22', 'a.localhost:22', 'metadata.google.internal:80'])(
  'an exposed server denies %s by its name, before it is resolved',
  (target) => {
    expect(() => policyOf('deny-special').checkName(toTarget(target))).toThrow('is not allowed');
    expect(() => policyOf('deny-special', { allow: ['*'] }).checkName(toTarget(target))).toThrow('is not allowed');
  },
);

test.each(['allow-all', 'deny-special'] as const)('once something is allowed, the rest is denied (base %s)', (base) => {
  const policy = policyOf(base, { allow: ['example.com:443'] });
  expect(judge(policy, 'example.com:443', '8.8.8.8')).toBe('allowed');
  expect(judge(policy, 'example.com:80', '8.8.8.8')).toBe(no);
  expect(judge(policy, 'www.example.com:443', '8.8.8.8')).toBe(no);
  expect(judge(policy, '8.8.8.8:443')).toBe(no);
  expect(judge(policy, '127.0.0.1:443')).toBe(no);
});

test('a deny alone takes away from what is allowed anyway', () => {
  const policy = policyOf('allow-all', { deny: ['*:25', 'bad.example'] });
  expect(judge(policy, '127.0.0.1:22')).toBe('allowed');
  expect(judge(policy, '127.0.0.1:25')).toBe(no);
  expect(judge(policy, 'bad.example:22', '8.8.8.8')).toBe(no);
});

test.each([
  ['the same pattern', ['example.com'], ['example.com'], 'example.com:443', '8.8.8.8', no],
  ['a name under a wildcard', ['*.example.com'], ['bad.example.com'], 'bad.example.com:443', '8.8.8.8', no],
  ['a wildcard over a name', ['a.example.com'], ['*.example.com'], 'a.example.com:443', '8.8.8.8', no],
  ['one port', ['example.com'], ['example.com:25'], 'example.com:25', '8.8.8.8', no],
  ['a range inside a range', ['10.0.0.0/8'], ['10.1.0.0/16'], '10.1.2.3:22', undefined, noIp],
  ['a range around a range', ['10.1.0.0/16'], ['10.0.0.0/8'], '10.1.2.3:22', undefined, noIp],
  ['an address inside a range', ['10.0.0.0/8'], ['10.1.2.3'], '10.1.2.3:22', undefined, noIp],
  ['a range that an allowed name resolves into', ['db.example'], ['10.0.0.0/8'], 'db.example:22', '10.1.2.3', noIp],
  ['an address that an allowed name resolves to', ['db.example'], ['8.8.8.8'], 'db.example:22', '8.8.8.8', noIp],
  ['an address in its NAT64 form', ['db.example'], ['8.8.8.8'], 'db.example:22', '64:ff9b::808:808', noIp],
  ['a NAT64 address by its block', ['db.example'], ['64:ff9b::/96'], 'db.example:22', '64:ff9b::808:808', noIp],
] as const)('deny wins over allow: %s', (_case, allow, deny, target, address, code) => {
  expect(judge(policyOf('deny-special', { allow, deny }), target, address)).toBe(code);
});

test('a deny leaves its neighbours alone', () => {
  const policy = policyOf('deny-special', {
    allow: ['10.0.0.0/8', '*.example.com'],
    deny: ['10.1.0.0/16', '*.bad.example.com', '*:25'],
  });
  expect(judge(policy, '10.2.0.1:22')).toBe('allowed');
  expect(judge(policy, 'bad.example.com:443', '8.8.8.8')).toBe('allowed');
  expect(judge(policy, 'a.bad.example.com:443', '8.8.8.8')).toBe(no);
});

test('a wildcard covers every name below, and not the name itself', () => {
  const policy = policyOf('deny-special', { allow: ['*.example.com'] });
  expect(judge(policy, 'a.example.com:1', '8.8.8.8')).toBe('allowed');
  expect(judge(policy, 'a.b.example.com:1', '8.8.8.8')).toBe('allowed');
  expect(judge(policy, 'example.com:1', '8.8.8.8')).toBe(no);
  expect(judge(policy, 'badexample.com:1', '8.8.8.8')).toBe(no);
});

test.each(['*', '*.example.com', '*:22'])('the wildcard %s opens no special address, on loopback neither', (rule) => {
  for (const base of ['allow-all', 'deny-special'] as const) {
    const policy = policyOf(base, { allow: [rule] });
    expect(judge(policy, 'a.example.com:22', '8.8.8.8')).toBe('allowed');
    expect(judge(policy, 'a.example.com:22', '127.0.0.1')).toBe(noIp);
    expect(judge(policy, 'a.example.com:22', '64:ff9b::a00:1')).toBe(noIp);
  }
});

test.each([
  ['an address', '127.0.0.1:22', '127.0.0.1:22', undefined],
  ['an address, for a name', '127.0.0.1', 'localhost:22', '127.0.0.1'],
  ['a range', '10.0.0.0/8:*', '10.1.2.3:22', undefined],
  ['a range, for a name', '10.0.0.0/8:*', 'db.example:22', '10.1.2.3'],
  ['an IPv6 address', '[::1]:22', '[::1]:22', undefined],
  ['every IPv6 address', '::/0', '[::1]:22', undefined],
  ['a range of IPv6', 'fd00::/8', '[fd00:ec2::254]:22', undefined],
  ['an exact name', 'localhost:22', 'localhost:22', '127.0.0.1'],
  ['an exact name for what it resolves to', 'db.example', 'db.example:22', '10.1.2.3'],
  ['an address, in its mapped form', '127.0.0.1', '[::ffff:7f00:1]:22', undefined],
  ['an address inside a block of embedded ones', '2002:7f00:1::/48', '[2002:7f00:1::5]:22', undefined],
  ['local NAT64, by its own range', '64:ff9b:1::/48', '[64:ff9b:1::808:808]:22', undefined],
])('%s opens a special address', (_kind, rule, target, address) => {
  expect(judge(policyOf('deny-special', { allow: [rule] }), target, address)).toBe('allowed');
});

test.each([
  ['a name', 'localhost:22', '127.0.0.1:22', undefined, no],
  ['a range, on another port', '10.0.0.0/8:22', '10.1.2.3:23', undefined, no],
  ['a range, for a name that resolves elsewhere', '10.0.0.0/8', 'db.example:22', '8.8.8.8', noIp],
  ['global IPv6', '2000::/3', '[2002:7f00:1::]:22', undefined, noIp],
  ['every IPv6 address', '::/0', '[64:ff9b::7f00:1]:22', undefined, noIp],
  ['a Teredo server alone', '10.0.0.1', '[2001:0:a00:1:0:0:f5ff:fffd]:22', undefined, noIp],
])('%s opens only what it says', (_kind, rule, target, address, code) => {
  expect(judge(policyOf('deny-special', { allow: [rule] }), target, address)).toBe(code);
});

test('what looks like an address and is none is never a name', () => {
  const policy = policyOf('deny-special');
  for (const host of ['fe80::1%eth0', 'fe80::1%a_b', 'a%b']) expect(judgeText(policy, `[${host}]:22`)).toBe(noIp);
});

test.each([
  ['a name, unruled', 'deny-special', {}, 'example.com:443', 'allowed'],
  ['a public literal, unruled', 'deny-special', {}, '8.8.8.8:443', 'allowed'],
  ['a special literal', 'deny-special', {}, '[::ffff:10.0.0.1]:443', noIp],
  ['a special name', 'deny-special', {}, 'localhost:443', no],
  ['a special name on loopback', 'allow-all', {}, 'localhost:443', 'allowed'],
  ['a special literal on loopback', 'allow-all', {}, '127.0.0.1:443', 'allowed'],
  ['an exact special name', 'deny-special', { allow: ['localhost'] }, 'localhost:443', 'allowed'],
  ['a name that only ranges could allow', 'deny-special', { allow: ['10.0.0.0/8'] }, 'db.example:443', no],
  ['a literal that a range allows', 'deny-special', { allow: ['10.0.0.0/8'] }, '10.1.2.3:443', 'allowed'],
  ['a literal outside', 'allow-all', { allow: ['10.0.0.0/8'] }, '8.8.8.8:443', noIp],
  ['a denied name', 'allow-all', { deny: ['*.example.com'] }, 'a.example.com:443', no],
  ['a special literal that is not dialled', 'not-dialled', {}, '127.0.0.1:443', 'allowed'],
  ['a special literal that is not dialled, among all', 'not-dialled', { allow: ['*:443'] }, '10.0.0.1:443', 'allowed'],
  ['a special name that is not dialled, among all', 'not-dialled', { allow: ['*'] }, 'localhost:443', 'allowed'],
  ['a name that is not dialled and not listed', 'not-dialled', { allow: ['db:5432'] }, 'other:5432', no],
  ['a literal that is not dialled and not listed', 'not-dialled', { allow: ['db:5432'] }, '10.0.0.1:5432', noIp],
  ['a denied literal that is not dialled', 'not-dialled', { deny: ['10.0.0.0/8'] }, '10.0.0.1:443', noIp],
  ['a denied literal', 'allow-all', { deny: ['10.0.0.0/8'] }, '[64:ff9b::a00:1]:443', noIp],
] as const)('as text: %s', (_case, base, rules: RuleTexts, target, code) => {
  expect(judgeText(policyOf(base, rules), target)).toBe(code);
});

test("a refusal is a 403 on the client's side, names the target and not what it resolved to", () => {
  const target = toTarget('db.example:22');
  const error = policyOf('deny-special').checkIp(target, { address: '10.11.12.13', family: 4 })!;
  expect(error).toBeInstanceOf(TunlError);
  expect([statusOf(error), error.side, error.phase]).toEqual([403, 'client', 'policy']);
  expect(error.message).toContain('db.example:22');
  expect(JSON.stringify([error.message, error.facts])).not.toContain('10.11.12.13');
});

test('dialling one of our own listeners is a loop', () => {
  const own = [{ kind: 'tcp', host: '127.0.0.1', port: 3128 }] as const;
  const policy = createPolicy({ base: 'allow-all', allow: [], deny: [], ownAddresses: () => own });
  expect(judge(policy, '127.0.0.1:3128')).toBe('proxy_loop_detected');
  expect(judge(policy, 'self.example:3128', '::ffff:7f00:1')).toBe('proxy_loop_detected');
  expect(judge(policy, '127.0.0.1:3129')).toBe('allowed');
});

test('a client that may not go there does not learn that a listener of ours is there', () => {
  const own = [{ kind: 'tcp', host: '127.0.0.1', port: 9090 }] as const;
  const policy = createPolicy({ base: 'deny-special', allow: [], deny: [], ownAddresses: () => own });
  expect(judge(policy, '127.0.0.1:9090')).toBe(noIp);
});
