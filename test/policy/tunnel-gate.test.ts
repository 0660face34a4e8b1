import { expect, test } from 'vitest';
import type { Peer } from '../../src/core/link.ts';
import { TunnelGate } from '../../src/policy/tunnel-gate.ts';

const peerAt = (host: string, port = 1): Peer => ({ address: { kind: 'tcp', host, port } });

/** Enters, and says whether there was a place. */
function tryToEnter(gate: TunnelGate, peer: Peer): boolean {
  try {
    gate.enter(peer);
    return true;
  } catch {
    return false;
  }
}

test('without limits everybody gets in', () => {
  const gate = new TunnelGate({});
  expect(Array.from({ length: 1000 }, () => tryToEnter(gate, peerAt('192.0.2.1')))).not.toContain(false);
});

test.each([
  [{ total: 2 }, '--max-tunnels)'],
  [{ perClient: 2 }, '--max-tunnels-per-client)'],
] as const)('with %j the third is refused, until one has left', (caps, option) => {
  const gate = new TunnelGate(caps);
  const peer = peerAt('192.0.2.1');
  const leave = gate.enter(peer);
  gate.enter(peer);
  const refused = expect.objectContaining({
    code: 'connection_limit_reached',
    message: expect.stringContaining(option) as string,
    facts: expect.objectContaining({ headers: [['Retry-After', '1']] }) as unknown,
  }) as Error;
  expect(() => gate.enter(peer)).toThrow(refused);
  leave();
  gate.enter(peer);
  expect(() => gate.enter(peer)).toThrow(refused);
});

test('who leaves twice has left once', () => {
  const gate = new TunnelGate({ total: 1 });
  const leave = gate.enter(peerAt('192.0.2.1'));
  leave();
  leave();
  expect([tryToEnter(gate, peerAt('192.0.2.1')), tryToEnter(gate, peerAt('192.0.2.1'))]).toEqual([true, false]);
});

test('who was refused has taken no place', () => {
  const gate = new TunnelGate({ total: 3, perClient: 2 });
  const peers = [1, 1, 1, 1, 2, 2].map((last) => peerAt(`192.0.2.${last}`));
  expect(peers.map((peer) => tryToEnter(gate, peer))).toEqual([true, true, false, false, true, false]);
});

test.each<[string, Peer, Peer, 'one' | 'two']>([
  ['another port', peerAt('192.0.2.1', 1), peerAt('192.0.2.1', 2), 'one'],
  ['another address', peerAt('192.0.2.1'), peerAt('192.0.2.2'), 'two'],
  ['the same address as IPv6 writes it', peerAt('192.0.2.1'), peerAt('::ffff:192.0.2.1'), 'one'],
  ['another address of the same /64', peerAt('2001:db8::1'), peerAt('2001:db8::ffff:0:0:2'), 'one'],
  ['an address of another /64', peerAt('2001:db8::1'), peerAt('2001:db8:0:1::1'), 'two'],
  ['another zone', peerAt('fe80::1%a'), peerAt('fe80::1%b'), 'two'],
  ['two sockets of the file system', { address: { kind: 'unix', path: '/a' } }, {}, 'one'],
])('%s: one client or two', (_, first, second, clients) => {
  const gate = new TunnelGate({ perClient: 1 });
  expect([tryToEnter(gate, first), tryToEnter(gate, second)]).toEqual([true, clients === 'two']);
});
