import { describe, expect, test } from 'vitest';
import type { Ip } from '../../src/core/address.ts';
import { TunlError } from '../../src/core/errors.ts';
import { createResolve, type ResolveOptions } from '../../src/dial/resolve.ts';
import { startNameServer, type Zone } from '../support/peers/dns.ts';
import { writeTempFile } from '../support/temp.ts';

const never = new AbortController().signal;
const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
const known: readonly Ip[] = [
  { address: '192.0.2.7', family: 4 },
  { address: '2001:db8::7', family: 6 },
];

interface World extends Pick<ResolveOptions, 'family' | 'resolver' | 'platform'> {
  readonly zone?: Zone;
  readonly nsswitch?: string;
  readonly answer?: () => Promise<readonly Ip[]>;
}

/** Makes a resolver on a machine that has only the data of the test, and records the questions that it asks. */
async function makeResolve({ zone = {}, nsswitch = 'hosts: files dns', answer, ...options }: World) {
  const server = await startNameServer(zone);
  const lookups: unknown[] = [];
  const resolve = createResolve({
    resolver: 'both',
    platform: 'linux',
    ...options,
    servers: [server.address],
    hostsPath: writeTempFile('hosts', '192.0.2.9 printer\n'),
    resolvConfPath: '/nowhere/resolv.conf',
    nsswitchPath: writeTempFile('nsswitch.conf', nsswitch),
    lookup: (host, family) => {
      lookups.push([host, family]);
      return answer ? answer() : failing('ENOTFOUND');
    },
  });
  return {
    lookups,
    questions: server.questions,
    resolve: async (host: string, signal = never) =>
      (await resolve(host, signal, `the proxy ${host}`)).map(({ address }) => address),
  };
}

const addresses = known.map(({ address }) => address);

describe('names are asked of the system first, and of nobody else', () => {
  test.each<[string, World]>([
    [
      'where nsswitch.conf has more than files and dns',
      { nsswitch: 'hosts: files mdns4_minimal [NOTFOUND=return] dns' },
    ],
    ['on macOS', { platform: 'darwin' }],
    ['on Windows', { platform: 'win32' }],
    ['where that is wanted', { resolver: 'system' }],
  ])('%s', async (_, world) => {
    const { resolve, lookups, questions } = await makeResolve({ ...world, answer: async () => known });
    expect(await resolve('box.local')).toEqual(addresses);
    expect([lookups, questions]).toEqual([[['box.local', undefined]], []]);
  });

  test('also when it does not know them', async () => {
    const { resolve, questions } = await makeResolve({ resolver: 'system', zone: { 'db.test': ['192.0.2.1'] } });
    await expect(resolve('db.test')).rejects.toMatchObject({
      code: 'dns_error',
      message: 'cannot resolve the proxy db.test: there is no such name',
      facts: { rcode: 'NXDOMAIN', phase: 'dns' },
    });
    expect(questions).toEqual([]);
  });
});

describe('where the system has only files and name servers', () => {
  test('what the name servers know is not asked of it', async () => {
    const { resolve, lookups } = await makeResolve({ zone: { 'db.test': ['192.0.2.1'] } });
    expect(await resolve('db.test')).toEqual(['192.0.2.1']);
    expect(lookups).toEqual([]);
  });

  test('what they do not know is asked of it, in the family that is wanted', async () => {
    const { resolve, lookups } = await makeResolve({ family: 6, answer: async () => known.slice(1) });
    expect(await resolve('box')).toEqual(['2001:db8::7']);
    expect(lookups).toEqual([['box', 6]]);
  });

  test.each(['ENOTFOUND', 'EAI_AGAIN'])('and what it does not know either (%s) is what they said', async (code) => {
    const { resolve } = await makeResolve({ answer: () => failing(code) });
    await expect(resolve('box')).rejects.toMatchObject({
      message: 'cannot resolve the proxy box: there is no such name',
      facts: { rcode: 'NXDOMAIN' },
    });
  });

  test('a name server that fails is no reason to ask it', async () => {
    const { resolve, lookups } = await makeResolve({ zone: { box: 'failure' }, answer: async () => known });
    await expect(resolve('box')).rejects.toMatchObject({ facts: { rcode: 'SERVFAIL' } });
    expect(lookups).toEqual([]);
  });

  test('a limit that ends while it is asked is told as such', async () => {
    const limit = new AbortController();
    const reason = new TunlError('dns_timeout', 'too late');
    const answer = () => {
      limit.abort(reason);
      return failing('ENOTFOUND');
    };
    const { resolve } = await makeResolve({ answer });
    await expect(resolve('box', limit.signal)).rejects.toBe(reason);
  });
});

test.each<[string, World]>([
  ['asked of name servers only', { resolver: 'dns' }],
  ['of a server', {}],
])('names %s never reach the system, whatever it has', async (_, world) => {
  const nsswitch = 'hosts: files ldap dns';
  const { resolve, lookups } = await makeResolve({ nsswitch, ...world, resolver: 'dns', answer: async () => known });
  await expect(resolve('box')).rejects.toMatchObject({ facts: { rcode: 'NXDOMAIN' } });
  expect(lookups).toEqual([]);
});

test.each(['127.0.0.1', '::1', 'printer', 'localhost', 'app.localhost'])('%s is known without it', async (host) => {
  const { resolve, lookups } = await makeResolve({ resolver: 'system', answer: async () => known });
  expect((await resolve(host)).length).toBeGreaterThan(0);
  expect(lookups).toEqual([]);
});

test.each(['EAI_AGAIN', 'EAI_FAIL', 'EAI_MEMORY'])(
  'a system that fails with %s is a failure of its resolver',
  async (code) => {
    const { resolve } = await makeResolve({ resolver: 'system', answer: () => failing(code) });
    await expect(resolve('box')).rejects.toMatchObject({
      code: 'dns_error',
      message: `cannot resolve the proxy box: the resolver of the system failed (${code})`,
      facts: { rcode: 'SERVFAIL', phase: 'dns' },
    });
  },
);

test('a name for which the system has no address is told as such', async () => {
  const { resolve } = await makeResolve({ resolver: 'system', answer: async () => [] });
  await expect(resolve('box')).rejects.toMatchObject({ message: 'the proxy box has no address' });
});

test('of many addresses sixteen count', async () => {
  const many = Array.from({ length: 20 }, (_, index): Ip => ({ address: `192.0.2.${index}`, family: 4 }));
  const { resolve } = await makeResolve({ resolver: 'system', answer: async () => many });
  expect(await resolve('box')).toHaveLength(16);
});
