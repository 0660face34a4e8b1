import { Resolver } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { withDialledPath } from '../../../src/app/stages/dialled-path.ts';
import { createRoute } from '../../../src/app/stages/route.ts';
import { schemes } from '../../../src/carriers/index.ts';
import { type Address, formatAddress } from '../../../src/core/address.ts';
import type { DialledPath } from '../../../src/core/dialer.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { Hop } from '../../../src/core/hop.ts';
import { parseHop, splitAlternatives } from '../../../src/syntax/hop.ts';
import { calmLimits, startTestForward, startTestServe } from '../../support/harness/app.ts';
import { makeContext } from '../../support/harness/link-pairs.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { answerPaths, greet, refusedAddress, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';

beforeEach(() => {
  vi.stubEnv('XDG_CACHE_HOME', makeTempFolder());
  return () => vi.unstubAllEnvs();
});

const refused = `http://127.0.0.1:${refusedAddress.port}`;

/** Writes a PAC file with this result and returns what -x takes. */
function writePac(result: string): string {
  const path = join(makeTempFolder(), 'proxy.pac');
  writeFileSync(path, `function FindProxyForURL(url, host) { return ${JSON.stringify(result)}; }`);
  return `pac+${pathToFileURL(path).href}`;
}

/** Reads what one -x says. */
function parse(text: string): Hop[] {
  return splitAlternatives(text, '-x').map((url) => {
    const { open: _none, ...hop } = parseHop(url, { source: '-x', tls: {}, headers: [] }, schemes);
    return hop;
  });
}

/** Makes a function that opens a tunnel and names the hops that it took. */
async function makeDial(...hops: readonly string[]) {
  const route = await createRoute({ hops: hops.map(parse), limits: calmLimits });
  onTestFinished(() => void route.close());
  const dial = withDialledPath(route);
  return async (target: Address): Promise<readonly string[]> => {
    let way: DialledPath | undefined;
    const link = await dial(target, { ...makeContext(target), onDialled: (path) => void (way = path) });
    onTestFinished(() => void link.stream.destroy());
    return way?.via ?? [];
  };
}

async function startProxy(): Promise<string> {
  const { port } = await startTestServe();
  return `http://127.0.0.1:${port}`;
}

test('of alternatives the one that was taken is named', async () => {
  const [target, proxy] = [await startTarget(greet('hello')), await startProxy()];
  const dial = await makeDial(`${refused}|${proxy}`);
  expect(await dial(target.address)).toEqual([proxy]);
});

test('of a PAC file the proxy that was taken is named, and none for DIRECT', async () => {
  const [target, proxy] = [await startTarget(greet('hello')), await startProxy()];
  const name = proxy.slice('http://'.length);
  const dial = await makeDial(writePac(`PROXY 127.0.0.1:${refusedAddress.port}; PROXY ${name}`));
  expect(await dial(target.address)).toEqual([proxy]);
  const dialDirect = await makeDial(writePac('DIRECT'));
  expect(await dialDirect(target.address)).toEqual([]);
});

test('nothing is named where the way leads on without a proxy', async () => {
  const target = await startTarget(greet('hello'));
  const dial = await makeDial(`pac+file:${join(makeTempFolder(), 'missing.pac')}|direct`);
  expect(await dial(target.address)).toEqual([]);
});

test('tunnels in one session name the hops below it', async () => {
  const [target, proxy, last] = [await startTarget(greet('hello')), await startProxy(), await startTestServe()];
  const hop = `h2c://127.0.0.1:${last.port}`;
  const dial = await makeDial(`${refused}|${proxy}`, `${hop}|${refused}`);
  expect([await dial(target.address), await dial(target.address)]).toEqual(Array(2).fill([proxy, hop]));
});

test('the events of a tunnel name the proxy, and not the PAC file', async () => {
  const [target, proxy] = [await startTarget(greet('hello')), await startProxy()];
  const [hop] = parse(writePac(`PROXY ${proxy.slice('http://'.length)}`));
  const forward = await startTestForward(target.address, { hops: hop ? [hop] : [] });
  const client = await connectPeer(forward.port);
  expect(await client.readUntil('hello')).toBe('hello');
  client.fin();
  await client.readToEnd();
  await vi.waitFor(() => expect(forward.eventsOf('tunnel.closed')).toHaveLength(1));
  for (const event of [...forward.eventsOf('tunnel.opened'), ...forward.eventsOf('tunnel.closed')])
    expect(event.via).toEqual([proxy]);
});

describe('a failure names the hops that it took', () => {
  /** Fails to dial a target through a route, and returns the hops that the failure names. */
  const failAt = async (hops: readonly string[], target: Address = refusedAddress) => {
    const dial = await makeDial(...hops);
    const error: unknown = await dial(target).catch((failure: unknown) => failure);
    if (!(error instanceof TunlError)) throw new Error('it was dialled');
    return error.facts.via;
  };
  const nowhere = 'http://nowhere.invalid:1';

  test.each([
    ['the last alternative', [`${nowhere}|${refused}`], [refused]],
    ['the one hop that there is', [refused], [refused]],
    ['no hop where the way leads on without one', [`${nowhere}|direct`], []],
    [
      'the proxy of a PAC file whose failure it is',
      () => [writePac(`PROXY 127.0.0.1:1; PROXY nowhere.invalid:1`)],
      [refused],
    ],
    ['no proxy for DIRECT', () => [writePac('PROXY nowhere.invalid:1; DIRECT')], []],
  ] as const)('%s', async (_, hops, via) => {
    const unknown = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    vi.spyOn(Resolver.prototype, 'resolve4').mockRejectedValue(unknown);
    vi.spyOn(Resolver.prototype, 'resolve6').mockRejectedValue(unknown);
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await failAt(typeof hops === 'function' ? hops() : hops)).toEqual(via);
  });

  test('of a chain whose second hop fails, or refuses', async () => {
    const [proxy, last] = [await startProxy(), await startTestServe({ deny: ['*'] })];
    expect(await failAt([`${refused}|${proxy}`, refused])).toEqual([proxy, refused]);
    for (const scheme of ['http', 'h2c']) {
      const second = `${scheme}://127.0.0.1:${last.port}`;
      expect(await failAt([writePac(`PROXY ${proxy.slice('http://'.length)}`), second])).toEqual([proxy, second]);
    }
  });
});

describe.each(['a tunnel', 'a plain request'])('the events of %s of a proxy', (what) => {
  const start = async (result: string, target: Address) => {
    const [hop] = parse(writePac(result));
    const serve = await startTestServe({ hops: hop ? [hop] : [], accept: ['plain'] });
    const client = await connectPeer(serve.port);
    const place = formatAddress(target);
    client.send(
      what === 'a tunnel'
        ? `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`
        : `GET http://${place}/ HTTP/1.1\r\nHost: ${place}\r\n\r\n`,
    );
    return { serve, head: await client.readHead() };
  };

  test('name the proxy that was taken', async () => {
    const far = await startTestServe({ accept: ['plain'] });
    const target = await startTarget(answerPaths);
    const name = `127.0.0.1:${far.port}`;
    const { serve, head } = await start(`PROXY ${name}`, target.address);
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(serve.eventsOf('tunnel.opened').map(({ via }) => via)).toEqual([[`http://${name}`]]);
  });

  test('name the proxy that failed', async () => {
    const { serve, head } = await start(`PROXY 127.0.0.1:${refusedAddress.port}`, refusedAddress);
    expect(head).toMatch(/^HTTP\/1\.1 502 /);
    await vi.waitFor(() => expect(serve.eventsOf('tunnel.failed').map(({ via }) => via)).toEqual([[refused]]));
  });
});
