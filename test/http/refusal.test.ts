import { describe, expect, test } from 'vitest';
import type { Hop } from '../../src/core/hop.ts';
import { linkPair, resetError } from '../../src/core/link.ts';
import type { ResponseHead } from '../../src/http/message.ts';
import { readRefusalBody, refusalError } from '../../src/http/refusal.ts';

const target = { kind: 'tcp', host: 'db', port: 22 } as const;
const nextHop = { kind: 'tcp', host: 'proxy2', port: 8080 } as const;
const hop: Hop = {
  scheme: 'http',
  address: { kind: 'tcp', host: 'proxy.corp', port: 8080 },
  tls: {},
  headers: [],
  settings: {},
};
const ctx = { signal: new AbortController().signal, target, origin: { peer: {} } };

function refuse(status: number, reason = '', headers: ResponseHead['headers'] = [], body = '') {
  return refusalError({ hop, method: 'CONNECT', address: target, ctx, head: { status, reason, headers }, body });
}

test.each([
  [302, 'hop_refused'],
  [403, 'hop_refused'],
  [404, 'hop_refused'],
  [401, 'auth_required'],
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
  expect(refuse(403).message).toBe('proxy.corp:8080 refused CONNECT db:22: 403');
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
    expect(error.message).toBe('proxy.corp:8080 refused POST proxy2:8080: 502 (dns_error)');
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

describe('the hint', () => {
  const html = [['content-type', 'text/html; charset=utf-8']] as const;

  test.each([
    ['plain text', [], 'CONNECT is allowed to port 443 only\n', 'CONNECT is allowed to port 443 only'],
    ['several lines', [], 'Access\r\n\tdenied  here', 'Access denied here'],
    [
      'an HTML page',
      html,
      '<html><head><title>T</title></head><body><h1>Access &amp; more</h1><p>is  denied</p></body></html>',
      'Access & more is denied',
    ],
    ['HTML with style and script', html, '<style>p{}</style><script>x()</script><p>Denied</p><!-- no -->', 'Denied'],
    ['HTML that is not called so', [], '<!DOCTYPE html><p>Denied &lt;here&gt;</p>', 'Denied <here>'],
    ['a long text', [], 'x'.repeat(500), 'x'.repeat(200)],
    ['escape sequences', [], 'a\u001b[2Jb\u0007\u009bc', 'a [2Jb c'],
  ])('of a body with %s is its first words', (_, headers, body, words) => {
    expect(refuse(403, 'Forbidden', headers, body).facts.hints).toEqual([`the proxy said: "${words}"`]);
  });

  test('is absent without a body', () => {
    expect(refuse(403, 'Forbidden', html, '<html></html>').facts.hints).toEqual([]);
  });

  test('names what squid says', () => {
    const error = refuse(403, 'Forbidden', [['x-squid-error', 'ERR_ACCESS_DENIED 0']]);
    expect(error.facts.hints).toEqual(['the proxy said: "ERR_ACCESS_DENIED 0"']);
  });

  test('names the ways to authenticate that a 407 offers', () => {
    const headers = [
      ['proxy-authenticate', 'Negotiate'],
      ['proxy-authenticate', 'Basic realm="x"'],
    ] as const;
    expect(refuse(407, '', headers).facts.hints).toEqual(['it offers Negotiate, Basic authentication']);
  });
});

describe('the body of a refusal', () => {
  const head = (length?: number): ResponseHead => ({
    status: 403,
    reason: '',
    headers: length === undefined ? [] : [['content-length', String(length)]],
  });

  test('is read up to its Content-Length, on a connection that stays open', async () => {
    const [near, far] = linkPair();
    far.stream.write('denied and more');
    expect(await readRefusalBody(near.stream, head(6))).toContain('denied');
  });

  test('is read up to the end of the stream', async () => {
    const [near, far] = linkPair();
    far.stream.write('den');
    far.stream.end('ied');
    expect(await readRefusalBody(near.stream, head())).toBe('denied');
  });

  test('is what had come when the stream is reset', async () => {
    const [near, far] = linkPair();
    const reading = readRefusalBody(near.stream, head(100));
    far.stream.write('den', () => far.reset(resetError('gone')));
    expect(await reading).toBe('den');
  });

  test('is empty where there is none', async () => {
    const [near] = linkPair();
    expect(await readRefusalBody(near.stream, head(0))).toBe('');
  });

  test('is read up to 8 KiB', async () => {
    const [near, far] = linkPair();
    far.stream.write('x'.repeat(20_000));
    expect(await readRefusalBody(near.stream, head())).toHaveLength(8192);
  });

  test('is not waited for when it does not come', async () => {
    const [near, far] = linkPair();
    far.stream.write('slow');
    expect(await readRefusalBody(near.stream, head(100))).toBe('slow');
  });
});
