import type { TunnelExchange } from '../../../src/core/exchange.ts';
import { describe, expect, test } from 'vitest';
import { TunlError } from '../../../src/core/errors.ts';
import type { HeaderField } from '../../../src/core/hop.ts';
import { linkPair } from '../../../src/core/link.ts';
import { claimConnect, rejectExchange } from '../../../src/http/server/tunnel-request.ts';

interface Answer {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  readonly body?: string | undefined;
}

/** Makes an exchange that keeps its answers. */
function makeExchange(headers: readonly HeaderField[] = [], method = 'CONNECT', target = 'DB.example.:22') {
  const answers: Answer[] = [];
  const exchange: TunnelExchange = {
    method,
    target,
    authority: target,
    version: '2',
    headers,
    peer: { identity: 'alice' },
    gone: new AbortController().signal,
    respond: async (status, fields, body) => void answers.push({ status, headers: fields, body }),
    upgrade: (status, fields) => {
      answers.push({ status, headers: fields });
      return linkPair()[0];
    },
    stream: () => {
      throw new Error('CONNECT has no body');
    },
  };
  return { exchange, answers };
}

const basic = (text: string): HeaderField => ['proxy-authorization', `Basic ${Buffer.from(text).toString('base64')}`];
const claim = (headers: readonly HeaderField[] = []) => claimConnect(makeExchange(headers).exchange);

test('leaves every other method to somebody else', () => {
  expect(claimConnect(makeExchange([], 'GET').exchange)).toBeUndefined();
  expect(claimConnect(makeExchange([], 'connect').exchange)).toBeUndefined();
});

test('gives the canonical target, and what proxies on the way wrote', () => {
  const request = claim([
    ['via', '1.1 a'],
    ['host', 'db.example.:22'],
    ['via', '1.1 b'],
  ]);
  expect(request).toMatchObject({
    target: { kind: 'tcp', host: 'db.example', port: 22 },
    via: ['1.1 a', '1.1 b'],
    challenge: { status: 407, field: ['Proxy-Authenticate', 'Basic realm="tunl", charset="UTF-8"'] },
  });
});

test('refuses a target that is none', () => {
  expect(() => claimConnect(makeExchange([], 'CONNECT', '/').exchange)).toThrow(
    expect.objectContaining({ code: 'http_request_error' }),
  );
});

describe('content', () => {
  test.each([
    ['a length', 'content-length', '5'],
    ['an empty length', 'content-length', ''],
    ['a signed zero', 'content-length', '+0'],
    ['a list of zeros', 'content-length', '0, 0'],
    ['chunked', 'transfer-encoding', 'chunked'],
    ['identity', 'transfer-encoding', 'identity'],
    ['an empty transfer coding', 'transfer-encoding', ''],
  ])('is refused: %s', (_, name, value) => {
    expect(() => claim([[name, value]])).toThrow(expect.objectContaining({ code: 'http_request_error' }));
  });

  test('of length 0 is none', () => {
    expect(claim([['content-length', '0']])).toBeDefined();
  });
});

describe('credentials', () => {
  test('are read from Proxy-Authorization only', () => {
    const [, value] = basic('u:p');
    expect(claim([['authorization', value]])?.credentials).toBeUndefined();
    const credentials = claim([basic('u:p')])?.credentials;
    expect([credentials?.user, credentials?.password.reveal()]).toEqual(['u', 'p']);
  });

  test('that nobody can read are none', () => {
    expect(claim([['proxy-authorization', 'Bearer abc']])?.credentials).toBeUndefined();
  });

  test.each([
    ['twice', [basic('u:p'), basic('u:p')]],
    ['joined by a comma', [['proxy-authorization', `${basic('u:p')[1]}, ${basic('u:p')[1]}`]]],
  ] as const)('given %s are refused', (_, headers) => {
    expect(() => claim(headers)).toThrow(expect.objectContaining({ code: 'http_request_error' }));
  });
});

test('accepts with a 200 and the fields it is given', () => {
  const { exchange, answers } = makeExchange();
  claimConnect(exchange)?.accept([['X-A', 'b']]);
  expect(answers).toEqual([{ status: 200, headers: [['X-A', 'b']] }]);
});

test('rejects with a status, and with Proxy-Status and fields of the error, and no word of its message', async () => {
  const { exchange, answers } = makeExchange();
  const error = new TunlError('connection_refused', 'cannot connect to 10.0.0.1:22', { headers: [['X-B', 'c']] });
  await rejectExchange(exchange, error, 503);
  await rejectExchange(exchange, error.with({ status: 405 }));
  const common = [
    ['Proxy-Status', 'tunl; error=connection_refused'],
    ['X-B', 'c'],
  ];
  expect(answers).toEqual([
    { status: 503, headers: common, body: 'tunl: connection refused\n' },
    { status: 405, headers: common, body: 'tunl: connection refused\n' },
  ]);
});
