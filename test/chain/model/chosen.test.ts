import { expect, test } from 'vitest';
import { isChosenByName, looksAtHello, tellsInside } from '../../../src/chain/model/chosen.ts';

test.each(['%REQUESTED_SERVER_NAME%:443', '%REQUESTED_SERVER_NAME:64%:443', 'x.%REQUESTED_SERVER_NAME(SNI_ONLY)%:443'])(
  'clients choose %s, and without TLS their first bytes are looked at',
  (targetFormat) => {
    expect([isChosenByName({ targetFormat }), looksAtHello({ targetFormat })]).toEqual([true, true]);
    expect(looksAtHello({ targetFormat, tls: {} })).toBe(false);
  },
);

test('clients choose our own address only if a PROXY header tells it', () => {
  const targetFormat = '%DOWNSTREAM_LOCAL_ADDRESS%';
  expect(isChosenByName({ targetFormat })).toBe(false);
  expect(isChosenByName({ targetFormat, acceptProxyProtocol: 'optional' })).toBe(true);
});

test.each(['%REQ(x-target)%', '%REQUESTED_SERVER_NAME%', '%FILTER_STATE(host:PLAIN)%'])(
  'the stages inside see %s only if it is shared',
  (value) => {
    expect(tellsInside({ state: [{ name: 'a', value }] })).toBe(false);
    expect(tellsInside({ state: [{ name: 'a', value, share: 'once' }] })).toBe(true);
  },
);
