import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TunlError } from '../../src/core/errors.ts';
import { createResolve, limitResolve, type ResolveOptions } from '../../src/dial/resolve.ts';
import { startNameServer, type Zone } from '../support/peers/dns.ts';
import { eventually } from '../support/eventually.ts';
import { makeTempFolder } from '../support/temp.ts';

const never = new AbortController().signal;

/** A resolver that knows only what the test says: a zone, a hosts file, a resolv.conf. */
async function makeResolve(
  zone: Zone,
  { hosts = '', resolvConf = '', family }: { hosts?: string; resolvConf?: string; family?: 4 | 6 } = {},
) {
  const folder = makeTempFolder();
  const server = await startNameServer(zone);
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const options: ResolveOptions = {
    servers: [server.address],
    hostsPath: write('hosts', hosts),
    resolvConfPath: write('resolv.conf', resolvConf),
    ...(family && { family }),
  };
  const resolve = createResolve(options);
  return {
    questions: server.questions,
    resolve: async (host: string, signal = never) => (await resolve(host, signal)).map(({ address }) => address),
  };
}

describe('a literal', () => {
  test.each(['127.0.0.1', '::1', '2001:db8::a'])('%s is itself and nobody is asked', async (host) => {
    const { resolve, questions } = await makeResolve({});
    expect(await resolve(host)).toEqual([host]);
    expect(questions).toEqual([]);
  });

  test('of the other family is no address', async () => {
    const { resolve } = await makeResolve({}, { family: 4 });
    await expect(resolve('::1')).rejects.toMatchObject({ code: 'dns_error', message: '::1 has no IPv4 address' });
  });
});

describe('a name', () => {
  test('has its addresses with the families in turn, IPv6 first', async () => {
    const { resolve, questions } = await makeResolve({
      'db.test': ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1', '2001:db8::2'],
    });
    const addresses = await resolve('db.test');
    expect(addresses).toHaveLength(5);
    expect(addresses.map((address) => (address.includes(':') ? 6 : 4))).toEqual([6, 4, 6, 4, 4]);
    expect([...questions].sort()).toEqual(['db.test A', 'db.test AAAA']);
  });

  test('may have IPv4 addresses only', async () => {
    const { resolve } = await makeResolve({ 'db.test': ['192.0.2.1'] });
    expect(await resolve('db.test')).toEqual(['192.0.2.1']);
  });

  test('may have IPv6 addresses only', async () => {
    const { resolve } = await makeResolve({ 'db.test': ['2001:db8::1'] });
    expect(await resolve('db.test')).toEqual(['2001:db8::1']);
  });

  test.each([
    [4, ['192.0.2.1'], ['db.test A']],
    [6, ['2001:db8::1'], ['db.test AAAA']],
  ] as const)('is asked for in family %i only, when told so', async (family, expected, asked) => {
    const { resolve, questions } = await makeResolve({ 'db.test': ['192.0.2.1', '2001:db8::1'] }, { family });
    expect(await resolve('db.test')).toEqual(expected);
    expect(questions).toEqual(asked);
  });

  test('has at most sixteen addresses that count', async () => {
    const many = Array.from({ length: 20 }, (_, index) => `192.0.2.${index + 1}`);
    const { resolve } = await makeResolve({ 'db.test': many });
    expect(await resolve('db.test')).toHaveLength(16);
  });

  test.each([
    ['does not exist', {}, 'there is no such name', 'NXDOMAIN'],
    ['has no address', { 'db.test': [] }, 'the name has no address', 'NOERROR'],
    ['cannot be looked up', { 'db.test': 'failure' } as const, 'the name server failed (ESERVFAIL)', 'SERVFAIL'],
  ])('that %s is a dns_error', async (_, zone, reason, rcode) => {
    const { resolve } = await makeResolve(zone);
    await expect(resolve('db.test')).rejects.toMatchObject({
      code: 'dns_error',
      phase: 'dns',
      message: `cannot resolve db.test: ${reason}`,
      facts: { rcode },
    });
  });

  test('is not asked for any longer once the caller gives up', async () => {
    const { resolve, questions } = await makeResolve({ 'db.test': 'silence' });
    const late = new TunlError('dns_timeout', 'late');
    const caller = new AbortController();
    const resolving = resolve('db.test', caller.signal);
    await eventually(() => questions.length, 2);
    caller.abort(late);
    await expect(resolving).rejects.toBe(late);
  });

  test('is not asked for at all when the caller gives up over the hosts file', async () => {
    const { resolve, questions } = await makeResolve({ 'db.test': 'silence' });
    const late = new TunlError('dns_timeout', 'late');
    const caller = new AbortController();
    const resolving = resolve('db.test', caller.signal);
    caller.abort(late);
    await expect(resolving).rejects.toBe(late);
    expect(questions).toEqual([]);
  });

  test('is not asked for when the caller gave up before', async () => {
    const { resolve, questions } = await makeResolve({ 'db.test': ['192.0.2.1'] });
    await expect(resolve('db.test', AbortSignal.abort())).rejects.toMatchObject({ code: 'interrupted' });
    expect(questions).toEqual([]);
  });

  test('does not wait for a dozen others that nobody answers', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `silent${index}.test`);
    const { resolve } = await makeResolve({
      ...Object.fromEntries(names.map((name) => [name, 'silence'] as const)),
      'db.test': ['192.0.2.1'],
    });
    const callers = names.map(() => new AbortController());
    const silent = names.map((name, index) =>
      resolve(name, callers[index]?.signal).catch((error: TunlError) => error.code),
    );
    expect(await resolve('db.test')).toEqual(['192.0.2.1']);
    for (const caller of callers) caller.abort(new TunlError('dns_timeout', 'late'));
    expect(new Set(await Promise.all(silent))).toEqual(new Set(['dns_timeout']));
  });
});

test('says so when no name server can be reached', async () => {
  const resolve = createResolve({ servers: ['127.0.0.1:1'], hostsPath: '/dev/null', resolvConfPath: '/dev/null' });
  await expect(resolve('db.test', never)).rejects.toMatchObject({
    code: 'dns_error',
    message: 'cannot resolve db.test: no name server can be reached',
  });
});

describe('the hosts file', () => {
  test('wins over the name server', async () => {
    const { resolve, questions } = await makeResolve({ db: ['192.0.2.1'] }, { hosts: '192.0.2.9 db\n' });
    expect(await resolve('db')).toEqual(['192.0.2.9']);
    expect(questions).toEqual([]);
  });

  test('is filtered by family', async () => {
    const { resolve } = await makeResolve({}, { hosts: '192.0.2.9 db\n2001:db8::9 db\n', family: 6 });
    expect(await resolve('db')).toEqual(['2001:db8::9']);
  });

  test.each(['localhost', 'app.localhost'])('need not name %s', async (host) => {
    const { resolve, questions } = await makeResolve({ [host]: ['192.0.2.1'] });
    expect(await resolve(host)).toEqual(['127.0.0.1', '::1']);
    expect(questions).toEqual([]);
  });

  test('may say something else of localhost', async () => {
    const { resolve } = await makeResolve({}, { hosts: '127.0.0.2 localhost\n' });
    expect(await resolve('localhost')).toEqual(['127.0.0.2']);
  });
});

describe('the search list', () => {
  const zone = { 'db.corp.test': ['192.0.2.1'], 'db.lab.test': ['192.0.2.2'], db: ['192.0.2.3'], 'a.b': ['192.0.2.4'] };

  test('comes before a name without dots', async () => {
    const { resolve } = await makeResolve(zone, { resolvConf: 'search none.test lab.test corp.test\n' });
    expect(await resolve('db')).toEqual(['192.0.2.2']);
  });

  test('ends with the name itself', async () => {
    const { resolve, questions } = await makeResolve(zone, { resolvConf: 'search none.test\n', family: 4 });
    expect(await resolve('db')).toEqual(['192.0.2.3']);
    expect(questions).toEqual(['db.none.test A', 'db A']);
  });

  test('comes after a name that has the dots of ndots', async () => {
    const { resolve, questions } = await makeResolve(zone, { resolvConf: 'search corp.test\n', family: 4 });
    expect(await resolve('a.b')).toEqual(['192.0.2.4']);
    expect(questions).toEqual(['a.b A']);
  });

  test('comes first below ndots', async () => {
    const resolvConf = 'domain corp.test\noptions timeout:1 ndots:3\n';
    const { resolve, questions } = await makeResolve(zone, { resolvConf, family: 4 });
    expect(await resolve('a.b')).toEqual(['192.0.2.4']);
    expect(questions).toEqual(['a.b.corp.test A', 'a.b A']);
  });

  test('gives the failure of the first name that was asked for', async () => {
    const { resolve } = await makeResolve({ 'x.corp.test': [] }, { resolvConf: 'search corp.test .\n' });
    await expect(resolve('x')).rejects.toMatchObject({ facts: { rcode: 'NOERROR' } });
  });
});

test('a name server that never answers is waited for as long as the limit says, whoever asks', async () => {
  const { address } = await startNameServer({ 'slow.test': 'silence' });
  const resolve = limitResolve(createResolve({ servers: [address] }), 50);
  await expect(resolve('slow.test', never)).rejects.toMatchObject({
    code: 'dns_timeout',
    phase: 'dns',
    message: 'slow.test was not resolved within 50ms (--dns-timeout)',
  });
  await expect(resolve('slow.test', never, 'the proxy slow.test')).rejects.toMatchObject({
    message: 'the proxy slow.test was not resolved within 50ms (--dns-timeout)',
  });
});
