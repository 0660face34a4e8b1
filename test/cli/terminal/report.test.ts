import { expect, test } from 'vitest';
import { createReport, type ReportStyle } from '../../../src/cli/terminal/report.ts';
import { Ui, type Output } from '../../../src/cli/terminal/ui.ts';
import { TunlError } from '../../../src/core/errors.ts';
import type { TunlEvent, TunnelClosedEvent, TunnelFailedEvent } from '../../../src/core/events.ts';
import { makeIo } from '../../support/harness/fake-io.ts';

const via = ['http://proxy:8080'];
const closed: TunnelClosedEvent = {
  event: 'tunnel.closed',
  id: 7,
  client: '127.0.0.1:4242',
  target: 'db:5432',
  via,
  sent: 10,
  received: 2000,
  ms: 1234,
  end: 'clean',
};
const failed: TunnelFailedEvent = {
  event: 'tunnel.failed',
  id: 8,
  client: '127.0.0.1:4243',
  target: 'db:22',
  via,
  ms: 5,
  error: new TunlError('hop_refused', 'proxy:8080 refused CONNECT db:22: 403 Forbidden', {
    side: 'hop',
    phase: 'handshake',
    hints: ['the proxy said: "no"'],
  }),
};

function report(event: TunlEvent, style: ReportStyle, voice: Partial<Output> = {}) {
  const io = makeIo();
  createReport(new Ui(io, { verbosity: 'normal', form: 'text', ...voice }), style)(event);
  return io;
}

test('a failure that repeats itself is said each time, and what to do about it once', () => {
  const io = makeIo();
  const emit = createReport(new Ui(io, { verbosity: 'normal', form: 'text' }), 'forward');
  const other = { ...failed, error: new TunlError('connection_refused', 'another') };
  for (const event of [failed, failed, other, failed]) emit(event);
  const line = 'tunl: proxy:8080 refused CONNECT db:22: 403 Forbidden';
  const hint = 'tunl: hint: the proxy said: "no"';
  expect(io.said().trimEnd().split('\n')).toEqual([line, hint, line, 'tunl: another', line, hint]);
});

test('says what listens, where to and through what', () => {
  const listening = { event: 'listening', role: 'forward', address: '127.0.0.1:53763', port: 53763, via } as const;
  expect(report({ ...listening, target: 'db:5432' }, 'forward').said()).toBe(
    'tunl: forwarding 127.0.0.1:53763 -> db:5432 via http://proxy:8080\n',
  );
  expect(report({ ...listening, role: 'serve', via: [] }, 'serve').said()).toBe('tunl: serving 127.0.0.1:53763\n');
  expect(report({ ...listening, role: 'serve' }, 'serve', { verbosity: 'quiet' }).said()).toBe('');
});

test('writes the same as JSON', () => {
  const event = { event: 'listening', role: 'forward', address: '127.0.0.1:1', port: 1, target: 'db:1', via } as const;
  expect(report(event, 'forward', { form: 'json' }).records()).toEqual([
    { ...event, time: expect.any(String), version: 1 },
  ]);
});

test('a server writes one access record for a tunnel, with the user and the status', () => {
  expect(report({ ...closed, user: 'alice', status: 200 }, 'serve').said()).toMatch(
    /^tunl: \S+Z 127\.0\.0\.1:4242 alice db:5432 200 closed: sent 10, received 2000 in 1\.234s\n$/,
  );
  expect(report({ ...closed, end: 'reset', side: 'client', reason: 'read ECONNRESET' }, 'serve').said()).toMatch(
    / 127\.0\.0\.1:4242 - db:5432 - reset by the client: sent 10, .*\(read ECONNRESET\)\n$/,
  );
});

test('a server writes one access record for a refusal too', () => {
  expect(report({ ...failed, status: 403 }, 'serve').said()).toMatch(
    /^tunl: \S+Z 127\.0\.0\.1:4243 - db:22 403 proxy:8080 refused CONNECT db:22: 403 Forbidden\n$/,
  );
});

test('a forward says why a tunnel did not come up, also when it is quiet', () => {
  expect(report(failed, 'forward', { verbosity: 'quiet' }).said()).toBe(
    'tunl: proxy:8080 refused CONNECT db:22: 403 Forbidden\ntunl: hint: the proxy said: "no"\n',
  );
});

test('a forward says nothing of a client that went away', () => {
  const event = { ...failed, error: new TunlError('connection_terminated', 'client left', { side: 'client' }) };
  expect(report(event, 'forward').said()).toBe('');
  expect(report(event, 'forward', { verbosity: 'verbose' }).said()).toBe('tunl: client left\n');
});

test.each([
  ['clean', undefined, ''],
  ['reset', 'client', ''],
  ['reset', 'target', 'tunl: 127.0.0.1:4242 -> db:5432 reset by the target: sent 10, received 2000 in 1.234s\n'],
  ['idle', 'self', 'tunl: 127.0.0.1:4242 -> db:5432 idle for too long: sent 10, received 2000 in 1.234s\n'],
  ['cut', 'self', 'tunl: 127.0.0.1:4242 -> db:5432 cut by tunl: sent 10, received 2000 in 1.234s\n'],
] as const)('a forward says of an end that is %s by %s: %j', (end, side, said) => {
  expect(report({ ...closed, end, ...(side && { side }) }, 'forward').said()).toBe(said);
});

test('connect leaves its failure to the end, and says steps when asked', () => {
  expect(report(failed, 'connect').said()).toBe('');
  expect(report({ ...closed, end: 'cut', side: 'self' }, 'connect').said()).toBe('');
  const step = { event: 'notice', level: 'verbose', message: 'hop 1: dns' } as const;
  expect(report(step, 'connect').said()).toBe('');
  expect(report(step, 'connect', { verbosity: 'verbose' }).said()).toBe('tunl: hop 1: dns\n');
});

test('a failed tunnel in JSON says what failed, without the error object', () => {
  expect(report(failed, 'forward', { form: 'json', verbosity: 'quiet' }).records()).toEqual([
    {
      event: 'tunnel.failed',
      time: expect.any(String),
      version: 1,
      id: 8,
      client: '127.0.0.1:4243',
      target: 'db:22',
      via,
      ms: 5,
      code: 'hop_refused',
      side: 'hop',
      hop: null,
      phase: 'handshake',
      exit: 97,
      message: 'proxy:8080 refused CONNECT db:22: 403 Forbidden',
      hints: ['the proxy said: "no"'],
    },
  ]);
});

test('says that it drains only when there is something to wait for', () => {
  const draining = { event: 'draining', tunnels: 3, graceMs: 10_000 } as const;
  expect(report(draining, 'serve').said()).toBe('tunl: stopping; 3 tunnels may finish within 10s\n');
  expect(report({ ...draining, tunnels: 0 }, 'serve').said()).toBe('');
});

test('the answer to a check is said on a terminal, and elsewhere with -v', () => {
  const message = 'db:22 is reachable through 2 hops in 18 ms';
  const answer = { event: 'notice', level: 'verbose', message, isAnswer: true } as const;
  const onTerminal = (verbosity: Output['verbosity']) => {
    const io = makeIo({ terminal: true });
    createReport(new Ui(io, { verbosity, form: 'text' }), 'connect')(answer);
    return io.said();
  };
  expect([onTerminal('normal'), onTerminal('quiet')]).toEqual([`tunl: ${message}\n`, '']);
  expect(report(answer, 'connect').said()).toBe('');
  expect(report(answer, 'connect', { verbosity: 'verbose' }).said()).toBe(`tunl: ${message}\n`);
  expect(report(answer, 'connect', { verbosity: 'verbose', form: 'json' }).records()).toEqual([
    expect.not.objectContaining({ isAnswer: true }),
  ]);
});
