import { Resolver } from 'node:dns/promises';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createRoute, type Route } from '../../src/app/stages/route.ts';
import type { TcpAddress } from '../../src/core/address.ts';
import { exitOf, type TunlError } from '../../src/core/errors.ts';
import type { Hop } from '../../src/core/hop.ts';
import { resetError } from '../../src/core/link.ts';
import { Secret } from '../../src/core/secret.ts';
import { failureOf } from '../conformance/carrier-bed.ts';
import { calmLimits, makeHop, startTestServe } from '../support/harness/app.ts';
import { makeContext } from '../support/harness/link-pairs.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { startSocksGateway } from '../support/peers/socks-gateway.ts';
import { greet, refusedAddress, startTarget } from '../support/targets/plain.ts';

const zone: Record<string, { readonly 4?: readonly string[]; readonly 6?: readonly string[] }> = {
  'here.test': { 4: ['127.0.0.1'] },
  'both.test': { 4: ['127.0.0.1'], 6: ['::1'] },
  'later.test': { 4: ['127.0.0.2', '127.0.0.1'] },
  'six.test': { 6: ['::1'] },
};

beforeEach(() => {
  const unknown = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  const answer = (family: 4 | 6) =>
    (async (name: string) => {
      const known = zone[name]?.[family];
      if (!known) throw unknown;
      return [...known];
    }) as never;
  vi.spyOn(Resolver.prototype, 'resolve4').mockImplementation(answer(4));
  vi.spyOn(Resolver.prototype, 'resolve6').mockImplementation(answer(6));
  return () => void vi.restoreAllMocks();
});

const named = (host: string, port: number): TcpAddress => ({ kind: 'tcp', host, port });

async function makeRoute(...hops: readonly (readonly Hop[])[]): Promise<Route> {
  const route = await createRoute({ hops, limits: calmLimits });
  onTestFinished(() => void route.close());
  return route;
}

/** Dials, and returns the greeting of the target. */
async function greetingOf(route: Route, address: TcpAddress): Promise<string> {
  const link = await route.dial(address, makeContext(address));
  onTestFinished(() => link.reset(resetError('the test is over')));
  return new RawPeer(link).readUntil('hello');
}

async function failOf(route: Route, address: TcpAddress): Promise<TunlError> {
  return failureOf(route.dial(address, makeContext(address)));
}

/** A target that greets, and a gateway to it through a proxy. */
async function startBed() {
  const target = await startTarget(greet('hello'));
  const proxy = await startTestServe();
  const gateway = await startSocksGateway(proxy.port);
  return { target, proxy, gateway, requests: gateway.requests };
}

/** A SOCKS server that says this to whatever it is asked. */
async function startScripted(...answers: readonly string[]) {
  const left = answers.map((answer) => Buffer.from(answer, 'hex'));
  return startTarget((socket) => {
    socket.on('data', () => {
      const answer = left.shift();
      if (answer) socket.write(answer);
      if (left.length === 0) socket.end();
    });
  });
}

describe('names', () => {
  test.each([
    ['socks5', 'here.test', '127.0.0.1'],
    ['socks5h', 'localhost', 'localhost'],
    ['socks4', 'here.test', '127.0.0.1'],
    ['socks4', 'both.test', '127.0.0.1'],
    ['socks4a', 'localhost', 'localhost'],
  ])('of %s://: the proxy is asked for %s as %s', async (scheme, host, asked) => {
    const { target, gateway, requests } = await startBed();
    expect(await greetingOf(await makeRoute([makeHop(scheme, gateway.port)]), named(host, target.port))).toBe('hello');
    expect(requests.map((request) => request.host)).toEqual([asked]);
  });

  test('of socks5:// are asked for one address after the other', async () => {
    const { target, gateway, requests } = await startBed();
    const route = await makeRoute([makeHop('socks5', gateway.port)]);
    expect(await greetingOf(route, named('later.test', target.port))).toBe('hello');
    expect(requests.map(({ host }) => host)).toEqual(['127.0.0.2', '127.0.0.1']);
  });

  test('that are resolved here fail as those of the target', async () => {
    const { gateway, requests } = await startBed();
    const error = await failOf(await makeRoute([makeHop('socks5', gateway.port)]), named('no.test', 1));
    expect([error.code, error.side, exitOf(error)]).toEqual(['dns_error', 'target', 6]);
    expect(requests).toEqual([]);
  });

  test.each([
    ['a name', named('six.test', 1), 'six.test:1'],
    ['an address', named('::1', 1), '[::1]:1'],
  ])('with IPv6 only: socks4:// cannot be asked for %s', async (_name, address, text) => {
    const { gateway, requests } = await startBed();
    const error = await failOf(await makeRoute([makeHop('socks4', gateway.port)]), address);
    expect(error).toMatchObject({
      code: 'destination_ip_unroutable',
      side: 'target',
      message: `${text} has no IPv4 address, and the proxy before it knows no others`,
    });
    expect(requests).toEqual([]);
  });

  test('of a later hop are resolved before socks5:// too, and blamed on that hop', async () => {
    const { target, gateway, requests } = await startBed();
    const last = await startTestServe();
    const further = (host: string): Hop => ({ ...makeHop('http', last.port), address: named(host, last.port) });
    const first = makeHop('socks5', gateway.port);
    expect(await greetingOf(await makeRoute([first], [further('here.test')]), target.address)).toBe('hello');
    expect(requests.map(({ host }) => host)).toEqual(['127.0.0.1']);
    const error = await failOf(await makeRoute([first], [further('no.test')]), target.address);
    expect([error.code, error.side, error.facts.hop?.index, exitOf(error)]).toEqual(['dns_error', 'hop', 2, 5]);
  });
});

describe('rules of serve', () => {
  test('hold for the addresses that are found here, and each is judged', async () => {
    const { target, gateway, requests } = await startBed();
    const serve = await startTestServe({ hops: [makeHop('socks5', gateway.port)], deny: ['127.0.0.2'] });
    const route = await makeRoute([makeHop('http', serve.port)]);
    expect(await greetingOf(route, named('later.test', target.port))).toBe('hello');
    expect(requests.map(({ host }) => host)).toEqual(['127.0.0.1']);
  });

  test('refuse a name of which every address is forbidden', async () => {
    const { gateway, requests } = await startBed();
    const serve = await startTestServe({ hops: [makeHop('socks5', gateway.port)], deny: ['127.0.0.0/8'] });
    const error = await failOf(await makeRoute([makeHop('http', serve.port)]), named('here.test', 1));
    expect(error).toMatchObject({ code: 'destination_ip_prohibited', facts: { received: 403 } });
    expect(requests).toEqual([]);
  });
});

describe('users', () => {
  test('of socks4:// are sent without a password', async () => {
    const { target, gateway, requests } = await startBed();
    const credentials = { user: 'me', password: new Secret('') };
    expect(await greetingOf(await makeRoute([makeHop('socks4a', gateway.port, { credentials })]), target.address)).toBe(
      'hello',
    );
    expect(requests).toEqual([{ version: 4, host: '127.0.0.1', port: target.port, user: 'me' }]);
  });

  test('with a wrong password are tried once', async () => {
    const gateway = await startSocksGateway(1, { user: 'me', password: 'right' });
    const credentials = { user: 'me', password: new Secret('wrong') };
    const route = await makeRoute([makeHop('socks5h', gateway.port, { credentials })]);
    const first = await failOf(route, refusedAddress);
    expect(first).toMatchObject({
      code: 'auth_required',
      message: `127.0.0.1:${gateway.port} refused CONNECT 127.0.0.1:1: it did not accept the user and the password`,
    });
    expect((await failOf(route, refusedAddress)).facts.hints?.at(-1)).toMatch(/was not sent again/);
  });

  test('that are wanted are asked for by name', async () => {
    const gateway = await startSocksGateway(1, { user: 'me', password: 'right' });
    const error = await failOf(await makeRoute([makeHop('socks5h', gateway.port)]), refusedAddress);
    expect(exitOf(error)).toBe(67);
    expect(error.facts.hints?.[0]).toMatch(`name a user: socks5h://USER@127.0.0.1:${gateway.port}`);
  });
});

describe('failures', () => {
  test.each([
    ['socks5h', '01', 'hop_failed', 'hop', 97, 'general failure (0x01)'],
    ['socks5h', '02', 'http_request_denied', 'hop', 97, 'not allowed by its rules (0x02)'],
    ['socks5h', '03', 'destination_ip_unroutable', 'target', 7, 'network unreachable (0x03)'],
    ['socks5h', '04', 'destination_ip_unroutable', 'target', 7, 'host unreachable (0x04)'],
    ['socks5h', '05', 'connection_refused', 'target', 7, 'connection refused (0x05)'],
    ['socks5h', '06', 'connection_timeout', 'target', 28, 'TTL expired (0x06)'],
    ['socks5h', '07', 'hop_refused', 'hop', 97, 'command not supported (0x07)'],
    ['socks5h', '08', 'destination_ip_unroutable', 'target', 7, 'address type not supported (0x08)'],
    ['socks5h', 'f4', 'hop_refused', 'hop', 97, 'a number that SOCKS does not define (0xf4)'],
    ['socks4a', '5b', 'hop_failed', 'hop', 97, 'rejected or failed (0x5b)'],
    ['socks4a', '5c', 'auth_required', 'hop', 67, 'it cannot reach identd on this machine (0x5c)'],
    ['socks4a', '5d', 'auth_required', 'hop', 67, 'identd names another user (0x5d)'],
  ])('%s 0x%s is %s of the %s', async (scheme, answer, code, side, exit, words) => {
    const answers =
      scheme === 'socks5h' ? ['0500', `05${answer}000100000000 0000`.replace(' ', '')] : [`00${answer}000000000000`];
    const server = await startScripted(...answers);
    const error = await failOf(await makeRoute([makeHop(scheme, server.port)]), named('db.test', 22));
    expect([error.code, error.side, exitOf(error)]).toEqual([code, side, exit]);
    expect(error.message).toBe(`127.0.0.1:${server.port} refused CONNECT db.test:22: ${words}`);
  });

  test('of a hop behind SOCKS are not those of the target', async () => {
    const server = await startScripted('0500', '05050001000000000000');
    const route = await makeRoute([makeHop('socks5h', server.port)], [makeHop('http', 1)]);
    const error = await failOf(route, named('db.test', 22));
    expect([error.code, error.side, error.facts.hop?.index]).toEqual(['connection_refused', 'hop', 1]);
  });

  test.each([
    [
      'socks5h',
      Buffer.from('HTTP/1.1 400 Bad').toString('hex'),
      'is not a SOCKS5 proxy: it answered with HTTP',
      'http://',
    ],
    ['socks5h', Buffer.from('SSH-2.0').toString('hex'), 'is not a SOCKS5 proxy: it answered with SSH', 'ssh -D'],
    ['socks5h', '15030100020146', 'is not a SOCKS5 proxy: it answered with TLS', 'TLS'],
    ['socks5h', '005b', 'is not a SOCKS5 proxy: it answered with SOCKS4', 'socks4'],
    ['socks4a', '05ff', 'is not a SOCKS4 proxy: it answered with SOCKS5', 'socks5'],
  ])('%s: the protocol of another port is named (%#)', async (scheme, answer, message, hint) => {
    const server = await startScripted(answer);
    const error = await failOf(await makeRoute([makeHop(scheme, server.port)]), named('db.test', 22));
    expect([error.code, error.side, exitOf(error)]).toEqual(['http_protocol_error', 'hop', 97]);
    expect(error.message).toBe(`127.0.0.1:${server.port} ${message}`);
    expect(error.facts.hints?.join()).toContain(hint);
  });
});

test('an alternative follows one that fails, and not one that refuses', async () => {
  const { target, gateway } = await startBed();
  const good = makeHop('socks5h', gateway.port);
  const failing = await startScripted('0500', '05010001000000000000');
  expect(await greetingOf(await makeRoute([makeHop('socks5h', failing.port), good]), target.address)).toBe('hello');
  const refusing = await startScripted('0500', '05020001000000000000');
  const error = await failOf(await makeRoute([makeHop('socks5h', refusing.port), good]), target.address);
  expect(error.code).toBe('http_request_denied');
});

test('header fields have no place in SOCKS', async () => {
  const hop = makeHop('socks5', 1, { headers: [['X-Y', 'z']] });
  await expect(makeRoute([hop])).rejects.toMatchObject({
    code: 'usage',
    message: 'socks5://127.0.0.1:1 has header fields, which SOCKS has no place for',
  });
});
