import { expect, test } from 'vitest';
import type { Address, Ip } from '../../src/core/address.ts';
import type { Dial, DialContext } from '../../src/core/dialer.ts';
import { TunlError } from '../../src/core/errors.ts';
import { linkPair } from '../../src/core/link.ts';
import { guard, guardText } from '../../src/policy/guard.ts';
import { policyOf, toTarget } from './verdict.ts';

const ip = (address: string): Ip => ({ address, family: address.includes(':') ? 6 : 4 });
const ctxFor = (target: Address): DialContext => ({
  target,
  signal: new AbortController().signal,
  origin: { peer: {} },
});

function setUp(answers: Record<string, readonly string[]> = {}) {
  const dialled: Address[] = [];
  const asked: string[] = [];
  const next: Dial = (address) => {
    dialled.push(address);
    return Promise.resolve(linkPair()[0]);
  };
  const resolve = (host: string) => {
    asked.push(host);
    return Promise.resolve((answers[host] ?? []).map(ip));
  };
  return { dialled, asked, next, resolve };
}

test('dials exactly the addresses that were checked', async () => {
  const { dialled, asked, next, resolve } = setUp({ 'a.example': ['8.8.8.8', '2606:4700::1'] });
  const target = toTarget('a.example:443');
  await guard(policyOf('deny-special'), resolve)(next)(target, ctxFor(target));
  expect(dialled).toEqual([{ ...target, resolved: [ip('8.8.8.8'), ip('2606:4700::1')] }]);
  expect(asked).toEqual(['a.example']);
});

test('of mixed answers only the public ones are dialled', async () => {
  const { dialled, next, resolve } = setUp({ 'a.example': ['10.0.0.1', '8.8.8.8', '64:ff9b::7f00:1', 'fe80::1%eth0'] });
  const target = toTarget('a.example:443');
  await guard(policyOf('deny-special'), resolve)(next)(target, ctxFor(target));
  expect(dialled).toEqual([{ ...target, resolved: [ip('8.8.8.8')] }]);
});

test('when every answer is forbidden, nothing is dialled', async () => {
  const { dialled, next, resolve } = setUp({ 'a.example': ['10.0.0.1', '::1'] });
  const target = toTarget('a.example:443');
  const dial = guard(policyOf('deny-special'), resolve)(next);
  await expect(dial(target, ctxFor(target))).rejects.toMatchObject({ code: 'destination_ip_prohibited' });
  expect(dialled).toEqual([]);
});

test('a name that is forbidden by its text is not resolved', async () => {
  const { dialled, asked, next, resolve } = setUp({ 'a.example': ['8.8.8.8'] });
  const target = toTarget('a.example:25');
  const dial = guard(policyOf('deny-special', { allow: ['*:443'] }), resolve)(next);
  await expect(dial(target, ctxFor(target))).rejects.toMatchObject({ code: 'http_request_denied' });
  expect([dialled, asked]).toEqual([[], []]);
});

test.each(['8.8.8.8', '2606:4700::1'])('the literal %s counts as resolved', async (host) => {
  const { dialled, asked, next, resolve } = setUp();
  const target = { kind: 'tcp', host, port: 443 } as const;
  await guard(policyOf('deny-special'), resolve)(next)(target, ctxFor(target));
  expect(dialled).toEqual([{ ...target, resolved: [ip(host)] }]);
  expect(asked).toEqual([]);
});

test('addresses that came with the target are judged and not resolved again', async () => {
  const { dialled, asked, next, resolve } = setUp({ 'a.example': ['9.9.9.9'] });
  const target = { ...toTarget('a.example:443'), resolved: [ip('10.0.0.1'), ip('8.8.8.8')] };
  await guard(policyOf('deny-special'), resolve)(next)(target, ctxFor(target));
  expect(dialled).toEqual([{ ...target, resolved: [ip('8.8.8.8')] }]);
  expect(asked).toEqual([]);
});

test('a name that changes its address between two tunnels is judged each time', async () => {
  const answers = { 'a.example': ['8.8.8.8'] };
  const { dialled, next, resolve } = setUp(answers);
  const target = toTarget('a.example:443');
  const dial = guard(policyOf('deny-special'), resolve)(next);
  await dial(target, ctxFor(target));
  answers['a.example'] = ['127.0.0.1'];
  await expect(dial(target, ctxFor(target))).rejects.toMatchObject({ code: 'destination_ip_prohibited' });
  expect(dialled).toHaveLength(1);
});

test('a name without addresses is a DNS error', async () => {
  const { next, resolve } = setUp();
  const target = toTarget('a.example:443');
  const dial = guard(policyOf('allow-all'), resolve)(next);
  await expect(dial(target, ctxFor(target))).rejects.toMatchObject({ code: 'dns_error', facts: { side: 'target' } });
});

test('gives the resolver the signal of the dial', async () => {
  const { next } = setUp();
  const target = toTarget('a.example:443');
  const ctx = ctxFor(target);
  let given: AbortSignal | undefined;
  const dial = guard(policyOf('allow-all'), (_host, signal) => {
    given = signal;
    return Promise.resolve([ip('8.8.8.8')]);
  });
  await dial(next)(target, ctx);
  expect(given).toBe(ctx.signal);
});

test.each([
  ['guard', guard(policyOf('allow-all'), () => Promise.resolve([]))],
  ['guardText', guardText(policyOf('allow-all'))],
])('%s lets nothing but TCP through', async (_name, stage) => {
  const { dialled, next } = setUp();
  for (const target of [
    { kind: 'unix', path: '/s' },
    { kind: 'fd', fd: 3 },
    { kind: 'internal', name: 'x' },
  ] as const) {
    await expect(stage(next)(target, ctxFor(target))).rejects.toMatchObject({ code: 'http_request_denied' });
  }
  expect(dialled).toEqual([]);
});

test('in front of a chain, the name goes on as it was asked for', async () => {
  const { dialled, next } = setUp();
  const target = toTarget('a.example:443');
  const dial = guardText(policyOf('deny-special'))(next);
  await dial(target, ctxFor(target));
  expect(dialled).toEqual([target]);
  const inside = toTarget('[::ffff:a00:1]:443');
  await expect(dial(inside, ctxFor(inside))).rejects.toMatchObject({ code: 'destination_ip_prohibited' });
  expect(dialled).toHaveLength(1);
});

test('a name that is not resolved is a failure of the target', async () => {
  const { next } = setUp();
  const target = toTarget('a.example:443');
  const resolve = () => Promise.reject(new TunlError('dns_timeout', 'too slow', { phase: 'dns' }));
  await expect(guard(policyOf('deny-special'), resolve)(next)(target, ctxFor(target))).rejects.toMatchObject({
    code: 'dns_timeout',
    side: 'target',
  });
});
