import { expect, test } from 'vitest';
import {
  type ErrorCode,
  errorTable,
  exitOf,
  isErrorCode,
  statusOf,
  toTunlError,
  TunlError,
  usageError,
} from '../../src/core/errors.ts';

const codes = Object.keys(errorTable) as ErrorCode[];

test.each(codes)('%s has a status, an exit status and a sentence that fit', (code) => {
  const { status, exit, sentence } = errorTable[code];
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(600);
  expect(exit).toBeGreaterThan(0);
  expect(exit).toBeLessThan(256);
  expect(sentence).toMatch(/^[a-z].*[^.]$/);
});

// The table of the README, which scripts rely on.
test.each([
  ['connection_refused', 502, 7],
  ['destination_ip_unroutable', 502, 7],
  ['connection_timeout', 504, 28],
  ['dns_timeout', 504, 28],
  ['http_response_timeout', 504, 28],
  ['tunnel_idle', 504, 28],
  ['tls_protocol_error', 502, 35],
  ['tls_certificate_error', 502, 60],
  ['tunnel_truncated', 502, 56],
  ['auth_required', 502, 67],
  ['hop_refused', 502, 97],
  ['hop_failed', 502, 97],
  ['http_protocol_error', 502, 97],
  ['http_response_incomplete', 502, 97],
  ['destination_ip_prohibited', 403, 97],
  ['http_request_denied', 403, 97],
  ['http_request_error', 400, 97],
  ['address_in_use', 500, 98],
  ['usage', 500, 2],
  ['internal', 500, 1],
] as const)('%s answers a client with %i and ends the program with %i', (code, status, exit) => {
  const error = new TunlError(code, 'x');
  expect([statusOf(error), exitOf(error)]).toEqual([status, exit]);
});

test("a proxy's own name that does not resolve ends the program with another status than a target's", () => {
  const error = new TunlError('dns_error', 'x');
  expect([exitOf(error.with({ side: 'hop' })), exitOf(error.with({ side: 'target' }))]).toEqual([5, 6]);
});

test('facts of an error win over the table', () => {
  const error = new TunlError('http_request_error', 'x', { status: 414, exit: 99 });
  expect([statusOf(error), exitOf(error)]).toEqual([414, 99]);
});

test('more facts never replace those that were known nearer to the failure', () => {
  const near = new TunlError('connection_refused', 'x', { side: 'target', phase: 'connect' });
  const far = near.with({ side: 'hop', phase: 'handshake', hop: { index: 1, count: 2 } });
  expect([far.side, far.phase, far.facts.hop]).toEqual(['target', 'connect', { index: 1, count: 2 }]);
  expect(far.stack).toBe(near.stack);
});

test('what is no TunlError is a defect of ours, with its cause', () => {
  const cause = new TypeError('x is undefined');
  expect(toTunlError(cause)).toMatchObject({
    code: 'internal',
    side: 'self',
    cause,
    message: 'internal error: x is undefined',
  });
  expect(toTunlError('text')).toMatchObject({ code: 'internal', message: 'internal error: text' });
  const own = usageError('no such option', 'try --help');
  expect(toTunlError(own)).toBe(own);
  expect(own.facts.hints).toEqual(['try --help']);
});

test('knows its own codes only', () => {
  expect(isErrorCode('dns_error')).toBe(true);
  expect(isErrorCode('toString')).toBe(false);
  expect(isErrorCode('__proto__')).toBe(false);
});
