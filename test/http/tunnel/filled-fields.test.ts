import { expect, test } from 'vitest';
import type { DialContext } from '../../../src/core/dialer.ts';
import { requestFields } from '../../../src/http/tunnel/request-fields.ts';
import { makeHop } from '../../support/harness/app.ts';

const hop = makeHop('http', 1);
const target = { kind: 'tcp', host: 'x', port: 1 } as const;

function contextWith(fields: DialContext['fields']): DialContext {
  return { signal: new AbortController().signal, target, origin: { peer: {} }, ...(fields && { fields }) };
}

test.each(['a\r\nX-Evil: 1', 'a\0', 'snow\u2603'])('%j that was filled in is refused and never sent', (value) => {
  expect(() => requestFields(hop, contextWith([['X-F', value]]), [])).toThrow('the field "X-F" cannot be sent');
});

test('what was filled in takes the place of a field of the carrier', () => {
  expect(requestFields(hop, contextWith([['user-agent', 'me']]), [['User-Agent', 'tunl']])).toEqual([
    ['user-agent', 'me'],
  ]);
});
