import { expect, test } from 'vitest';
import type { MatchedWay } from '../../../src/app/commands/options.ts';
import { eventually } from '../../support/eventually.ts';
import { makeHop, startTestFront, startTestServe, type TestApp } from '../../support/harness/app.ts';
import { writeHead } from '../../support/harness/plain-bed.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { openSocks5 } from '../../support/peers/socks-client.ts';
import { answerPaths, greet, refusedAddress, startTarget } from '../../support/targets/plain.ts';

const toHop = ({ port }: Pick<TestApp, 'port'>) => makeHop('http', port);

function match(pattern: string, ...proxies: Pick<TestApp, 'port'>[]): MatchedWay {
  return { pattern, rule: `match ${pattern} decides`, hops: proxies.map((proxy) => [toHop(proxy)]) };
}

/** What a proxy was asked for. */
const askedOf = (app: TestApp) => app.eventsOf('tunnel.opened').map(({ target }) => target);

/** What `-v` says about the choice for each target. */
const saidBy = (app: TestApp) =>
  app
    .eventsOf('notice')
    .flatMap(({ level, message }) => (level === 'verbose' && message.endsWith(' decides') ? [message] : []));

test('each target of a client takes the first way whose pattern fits, and the others the usual one', async () => {
  const target = await startTarget(greet('hello'));
  const [usual, work] = [await startTestServe(), await startTestServe()];
  const matches = [match(`127.0.0.1:${target.port}`, work), match('127.0.0.0/8'), match('localhost', refusedAddress)];
  const front = await startTestFront('socks', { hops: [toHop(usual)], matches });
  const [client] = await openSocks5(front.port, '127.0.0.1', target.port);
  expect(await client.readUntil('hello')).toBe('hello');
  expect([askedOf(work), askedOf(usual)]).toEqual([[`127.0.0.1:${target.port}`], []]);
  // No tunnel of the front tells of a proxy that it did not take.
  const via = [`http://127.0.0.1:${work.port}`];
  expect(front.eventsOf('tunnel.opened')).toEqual([expect.objectContaining({ via })]);

  const other = await startTarget(greet('direct'));
  const [second] = await openSocks5(front.port, '127.0.0.1', other.port);
  expect(await second.readUntil('direct')).toBe('direct');
  expect(front.eventsOf('tunnel.opened')[1]).toMatchObject({ via: [] });

  const [, refused] = await openSocks5(front.port, 'localhost', target.port);
  expect(refused).not.toBe(0);
  await eventually(
    () => front.eventsOf('tunnel.failed').map(({ via: failed }) => failed),
    [[`http://127.0.0.1:${refusedAddress.port}`]],
  );

  const loopback6 = Buffer.of(4, ...new Uint8Array(15), 1);
  const [, unmatched] = await openSocks5(front.port, loopback6, 1);
  expect(unmatched).not.toBe(0);
  await eventually(() => usual.eventsOf('tunnel.failed').map(({ target: asked }) => asked), ['[::1]:1']);
  expect(saidBy(front)).toEqual([
    `127.0.0.1:${target.port}: match 127.0.0.1:${target.port} decides`,
    `127.0.0.1:${other.port}: match 127.0.0.0/8 decides`,
    `localhost:${target.port}: match localhost decides`,
  ]);
});

test('plain requests take the way of their target, and each way keeps its connections', async () => {
  const [one, two] = [await startTarget(answerPaths), await startTarget(answerPaths)];
  const [usual, work] = [await startTestServe({ accept: ['plain'] }), await startTestServe({ accept: ['plain'] })];
  const matches = [match(`*:${one.port}`, work)];
  const front = await startTestFront('http', { hops: [toHop(usual)], matches });
  const client = await connectPeer(front.port);
  for (const [index, { port }] of [one, two, one].entries()) {
    client.send(writeHead(`GET http://127.0.0.1:${port}/${index}`));
    await client.readUntil(`/${index}`);
  }
  const countOf = (app: TestApp) => app.eventsOf('tunnel.closed').length;
  await eventually(() => [countOf(work), countOf(usual)], [2, 1]);
});

test('a rule against a target counts on every way', async () => {
  const target = await startTarget(greet('hello'));
  const work = await startTestServe();
  const access = { users: {}, allow: [], deny: ['localhost', '127.0.0.2'] };
  const matches = [match('localhost', work), match('127.0.0.2')];
  const front = await startTestFront('any', { matches, access });
  for (const host of ['localhost', '127.0.0.2']) {
    const [, reply] = await openSocks5(front.port, host, target.port);
    expect(reply).toBe(2);
  }
  expect([askedOf(work), target.accepted]).toEqual([[], 0]);
});
