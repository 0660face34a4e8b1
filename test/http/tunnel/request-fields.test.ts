import { describe, expect, test } from 'vitest';
import type { HeaderField, Hop } from '../../../src/core/hop.ts';
import { requestFields } from '../../../src/http/tunnel/request-fields.ts';

const target = { kind: 'tcp', host: 'db', port: 22 } as const;
const ctx = { signal: new AbortController().signal, target, origin: { peer: {}, via: ['1.1 far', '1.1 near'] } };

function fieldsOf(headers: readonly HeaderField[], own: readonly HeaderField[]): HeaderField[] {
  const hop: Hop = { scheme: 'http', address: { ...target, port: 3128 }, tls: {}, headers, settings: {} };
  return requestFields(hop, ctx, own);
}

describe('the fields of a request', () => {
  test('are those of the carrier, then Via, then those of the user, who may repeat one', () => {
    const own = [['User-Agent', 'tunl/1']] as const;
    const users = [
      ['X-Team', 'a'],
      ['x-team', 'b'],
    ] as const;
    expect(fieldsOf(users, own)).toEqual([...own, ['Via', '1.1 far'], ['Via', '1.1 near'], ...users]);
  });

  test.each([
    ['user-agent', 'curl/8'],
    ['PROXY-AUTHORIZATION', 'Bearer x'],
  ])('hold %s once, as the user has it', (name, value) => {
    const own = [
      ['User-Agent', 'tunl/1'],
      ['Proxy-Authorization', 'Basic eDp5'],
    ] as const;
    const fields = fieldsOf([[name, value]], own).filter(([field]) => field.toLowerCase() === name.toLowerCase());
    expect(fields).toEqual([[name, value]]);
  });

  test("are refused when one of the user's cannot be written as it is", () => {
    expect(() => fieldsOf([['X-Team', 'a\r\nX: y']], [])).toThrow('the field "X-Team" cannot be sent');
  });
});
