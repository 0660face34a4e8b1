import { describe, expect, test } from 'vitest';
import type { ResponseHead } from '../../../src/http/wire/message.ts';
import { refusalError } from '../../../src/http/tunnel/refusal.ts';
import { proxyHop as hop } from '../../support/proxy-hop.ts';

const target = { kind: 'tcp', host: 'db', port: 22 } as const;
const nextHop = { kind: 'tcp', host: 'proxy2', port: 8080 } as const;
const ctx = { signal: new AbortController().signal, target, origin: { peer: {} } };

function refuse(status: number, reason = '', headers: ResponseHead['headers'] = [], body = '') {
  return refusalError({ hop, method: 'CONNECT', address: target, ctx, head: { status, reason, headers }, body });
}

test.each([
  [302, 'hop_refused'],
  [403, 'hop_refused'],
  [404, 'hop_refused'],
  [401, 'auth_required'],
  [429, 'connection_limit_reached'],
  [407, 'auth_required'],
  [500, 'hop_failed'],
  [503, 'hop_failed'],
  [101, 'hop_refused'],
])('%i without a reason is %s', (status, code) => {
  const error = refuse(status, 'Reason');
  expect([error.code, error.side, error.phase, error.facts.received]).toEqual([code, 'hop', 'handshake', status]);
});

test('names the proxy, the target, the status and its reason', () => {
  expect(refuse(403, 'Forbidden').message).toBe('proxy.corp:8080 refused CONNECT db:22: 403 Forbidden');
});

test.each([
  [429, '30', 30_000, 'it asks to wait 30s: --retry N does so, up to 1m'],
  [503, '1', 1000, 'it asks to wait 1s: --retry N does so, up to 1m'],
  [429, '3600', 3_600_000, 'it asks to wait 1h, and no retry waits longer than 1m'],
])('%i with Retry-After: %s keeps how long, and says what can be done', (status, value, ms, hint) => {
  const { facts } = refuse(status, '', [['retry-after', value]]);
  expect(facts.retryAfterMs).toBe(ms);
  expect(facts.hints).toEqual([hint]);
});

test('Retry-After of another refusal is no promise that it will be otherwise then', () => {
  expect(refuse(403, '', [['retry-after', '5']]).facts.retryAfterMs).toBeUndefined();
});

test('says the phrase of a status that comes without one, as in HTTP/2', () => {
  expect(refuse(502).message).toBe('proxy.corp:8080 refused CONNECT db:22: 502 Bad Gateway');
  expect(refuse(599).message).toBe('proxy.corp:8080 refused CONNECT db:22: 599');
});

describe('Proxy-Status', () => {
  test('decides the code, and that it was the target', () => {
    const error = refuse(502, 'Bad Gateway', [['proxy-status', 'edge; error=connection_refused']]);
    expect([error.code, error.side]).toEqual(['connection_refused', 'target']);
    expect(error.message).toBe('proxy.corp:8080 refused CONNECT db:22: 502 Bad Gateway (connection_refused)');
  });

  test('blames the hop when it was not yet the target that was asked for', () => {
    const head = {
      status: 502,
      reason: '',
      headers: [['proxy-status', 'edge; error=dns_error; rcode="NXDOMAIN"']],
    } as const;
    const error = refusalError({ hop, method: 'POST', address: nextHop, ctx, head, body: '' });
    expect([error.code, error.side, error.facts.rcode]).toEqual(['dns_error', 'hop', 'NXDOMAIN']);
    expect(error.message).toBe('proxy.corp:8080 refused POST proxy2:8080: 502 Bad Gateway (dns_error)');
  });

  test('does not turn a demand for credentials into something else', () => {
    expect(refuse(407, '', [['proxy-status', 'edge; error=http_request_denied']]).code).toBe('auth_required');
  });

  test('of several fields is read as one list', () => {
    const headers = [
      ['proxy-status', 'a; next-hop=b'],
      ['proxy-status', 'c; error=connection_timeout'],
    ] as const;
    expect(refuse(504, '', headers).code).toBe('connection_timeout');
  });

  test('gives its details as a hint, and never a code that it may not have', () => {
    const error = refuse(403, '', [['proxy-status', 'edge; error=usage; rcode="x; y"; details="ask IT"']]);
    expect([error.code, error.facts.hints, error.facts.rcode]).toEqual([
      'hop_refused',
      ['the proxy said: "ask IT"'],
      undefined,
    ]);
  });
});
