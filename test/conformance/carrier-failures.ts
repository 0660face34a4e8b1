import { expect, test } from 'vitest';
import type { TcpAddress } from '../../src/core/address.ts';
import type { Carrier } from '../../src/core/carrier.ts';
import { exitOf, TunlError } from '../../src/core/errors.ts';
import { eventually } from '../support/eventually.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, listenOnly, refusedAddress, startTarget } from '../support/targets/plain.ts';
import { failureOf, type StartBed, tunnelEvents } from './carrier-bed.ts';
import { expectNothingLeft } from './carrier-ends.ts';

/** Registers the tests of tunnels that fail to open. */
export function registerFailureTests(start: StartBed, { server, protocol, reasons }: Carrier): void {
  test('a target that refuses is told as such', async () => {
    const bed = await start();
    const error = await failureOf(bed.dial(refusedAddress));
    expect([error.side, exitOf(error)]).toEqual(reasons === false ? ['hop', 97] : ['target', 7]);
    if (!server && reasons !== false) expect(error.code).toBe('connection_refused');
    expect(tunnelEvents(bed)).toMatchObject([{ event: 'tunnel.failed', error: { code: 'connection_refused' } }]);
    await expectNothingLeft(bed);
  });

  test('a target that is not allowed is told as such and never dialled', async () => {
    const target = await startTarget(echo);
    const bed = await start({ deny: ['127.0.0.1'] });
    const error = await failureOf(bed.dial(target.address));
    const said = new TunlError('destination_ip_prohibited', 'denied');
    if (protocol === 'socks') expect([error.side, exitOf(error)]).toEqual(['hop', 97]);
    else expect(error.facts.received).toBe(server ? server.statusOf(said) : 403);
    if (!server && !protocol) expect([error.code, exitOf(error)]).toEqual(['destination_ip_prohibited', 97]);
    expect(target.accepted).toBe(0);
    await expectNothingLeft(bed);
  });

  test('a hop that says nothing is given up in time, and nothing is left open', async () => {
    const silent = await startTarget(listenOnly);
    const bed = await start({ handshakeMs: 50, between: async () => silent.port });
    const error = await failureOf(bed.dial(refusedAddress));
    expect([error.side, error.facts.hop?.index, exitOf(error)]).toEqual(['hop', 1, 28]);
    expect(['tls', 'handshake']).toContain(error.phase);
    expect(error.message).toMatch(/ within 50ms \(--(?:tls|handshake)-timeout\)$/);
    await eventually(() => silent.open, 0);
  });

  test('a hop that closes at once is told as such', async () => {
    const closing = await startTarget((socket) => void socket.resume().end());
    const bed = await start({ between: async () => closing.port });
    const error = await failureOf(bed.dial(refusedAddress));
    expect([error.side, error.facts.hop?.index]).toEqual(['hop', 1]);
    expect([35, 97]).toContain(exitOf(error));
    await eventually(() => closing.open, 0);
  });

  test('a dial that nobody waits for any more leaves nothing open', async () => {
    const silent = await startTarget(listenOnly);
    const bed = await start({ between: async () => silent.port });
    const caller = new AbortController();
    const dialling = failureOf(bed.dial(refusedAddress, caller.signal));
    await eventually(() => silent.accepted, 1);
    caller.abort(new TunlError('interrupted', 'nobody waits'));
    expect(await dialling).toMatchObject({ code: 'interrupted', message: 'nobody waits' });
    await eventually(() => silent.open, 0);
  });

  test.each([
    ['a line break', 'a\r\nX-Injected: y'],
    ['a space', 'a b'],
    ['NUL', 'a\u0000b'],
    ['a character above 0xff', '127.0.0.1\u{10d0d}'],
    ['a path', 'a/b'],
    ['a user', 'u@a'],
  ])('a target with %s is refused before anything is asked of the server', async (_, host) => {
    const bed = await start();
    const hostile: TcpAddress = { kind: 'tcp', host, port: 443 };
    const error = await failureOf(bed.dial(hostile));
    expect(error.code).toBe('usage');
    const client = new RawPeer(await bed.dial((await startTarget(echo)).address));
    client.send('control');
    await client.readUntil('control');
    expect(tunnelEvents(bed)).toMatchObject([{ event: 'tunnel.opened' }]);
  });
}
