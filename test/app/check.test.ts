import { expect, test } from 'vitest';
import { checkTargets } from '../../src/app/check.ts';
import type { TcpAddress } from '../../src/core/address.ts';
import type { Dial } from '../../src/core/dialer.ts';
import { TunlError } from '../../src/core/errors.ts';
import type { TunlEvent } from '../../src/core/events.ts';
import { linkPair } from '../../src/core/link.ts';
import { RawPeer } from '../support/raw-peer.ts';

const never = new AbortController().signal;
const [first, second]: TcpAddress[] = [1, 2].map((port) => ({ kind: 'tcp', host: 'db', port })) as TcpAddress[];
const targets = [first as TcpAddress, second as TcpAddress];

test('dials each target once, sends nothing and ends cleanly', async () => {
  const peers: RawPeer[] = [];
  const dialled: number[] = [];
  const dial: Dial = (address) => {
    dialled.push((address as TcpAddress).port);
    const [near, far] = linkPair();
    peers.push(new RawPeer(far));
    return Promise.resolve(near);
  };
  const events: TunlEvent[] = [];
  await checkTargets(dial, targets, { emit: (event) => void events.push(event), signal: never });
  expect(dialled).toEqual([1, 2]);
  for (const peer of peers) expect(await peer.readToEnd()).toHaveLength(0);
  expect(events).toEqual(
    ['db:1', 'db:2'].map((name) => ({ event: 'notice', level: 'verbose', message: `${name} can be reached` })),
  );
});

test('fails as the first target in their order fails, whichever fails sooner', async () => {
  let failFirst: (error: TunlError) => void = () => {};
  const dial: Dial = (address) => {
    if (address !== first) return Promise.reject(new TunlError('dns_error', 'sooner'));
    return new Promise((_, reject) => (failFirst = reject));
  };
  const checked = checkTargets(dial, targets, { emit: () => {}, signal: never });
  failFirst(new TunlError('connection_refused', 'in order'));
  await expect(checked).rejects.toMatchObject({ code: 'connection_refused', message: 'in order' });
});
