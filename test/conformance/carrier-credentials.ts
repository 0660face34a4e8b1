import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Carrier } from '../../src/core/carrier.ts';
import { exitOf, type TunlError } from '../../src/core/errors.ts';
import { RawPeer } from '../support/peers/raw-peer.ts';
import { echo, startTarget } from '../support/targets/plain.ts';
import { type CarrierBed, failureOf, type StartBed, type TestCredentials, tunnelEvents } from './carrier-bed.ts';

const secret: TestCredentials = { user: 'alice', password: 'open:sesame-4711' };
const wrong: TestCredentials = { user: 'alice', password: 'hunter2-0815' };

/** Registers the tests of users and passwords. */
export function registerCredentialTests(start: StartBed, { protocol }: Carrier): void {
  describe('a server that wants credentials', () => {
    test('lets those in who have them', async () => {
      const bed = await start({ users: secret, credentials: secret });
      const client = new RawPeer(await bed.dial((await startTarget(echo)).address));
      client.send('hello');
      expect(await client.readUntil('hello')).toBe('hello');
      expect(tunnelEvents(bed)).toMatchObject([{ event: 'tunnel.opened', user: secret.user }]);
    });

    test.each([
      ['none', undefined],
      ['wrong ones', wrong],
      ['those of another', { user: 'bob', password: secret.password }],
    ])('refuses %s, dials nothing and tells whose fault it was', async (_, credentials) => {
      const target = await startTarget(echo);
      const bed = await start({ users: secret, ...(credentials && { credentials }) });
      const error = await failureOf(bed.dial(target.address));
      expect([error.code, error.side, exitOf(error)]).toEqual(['auth_required', 'hop', 67]);
      expect(target.accepted).toBe(0);
      // In SOCKS the login precedes the request.
      if (protocol === 'socks') return;
      expect([407, 401]).toContain(error.facts.received);
      expect(tunnelEvents(bed)).toHaveLength(1);
    });

    test('never shows them: not in errors, not in events, not to inspect', async () => {
      const bed = await start({ users: secret, credentials: wrong });
      const error = await failureOf(bed.dial((await startTarget(echo)).address));
      expectNoSecrets(bed, error);
    });
  });
}

/** Asserts that the output contains no form of a password. */
function expectNoSecrets(bed: CarrierBed, error: TunlError): void {
  const deep = { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity } as const;
  const said = [
    inspect(error, deep),
    inspect(bed.server.events, deep),
    JSON.stringify([error, error.facts, bed.server.events, bed.progress]),
    `${error.message} ${error.stack} ${(error.facts.hints ?? []).join(' ')}`,
  ].join('\n');
  for (const { user, password } of [secret, wrong]) {
    expect(said).not.toContain(password);
    expect(said).not.toContain(Buffer.from(`${user}:${password}`).toString('base64'));
  }
}
