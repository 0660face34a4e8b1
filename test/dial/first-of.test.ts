import { expect, test } from 'vitest';
import type { Dial, DialContext, Layer } from '../../src/core/dialer.ts';
import { type ErrorCode, TunlError } from '../../src/core/errors.ts';
import { type Link, linkPair } from '../../src/core/link.ts';
import { eachInTurn, firstOf } from '../../src/dial/first-of.ts';

const target = { kind: 'tcp', host: 'db', port: 22 } as const;
const unused: Dial = () => Promise.reject(new Error('nobody dials below'));

function makeContext(signal = new AbortController().signal): DialContext & { failures: string[] } {
  const failures: string[] = [];
  return { signal, target, origin: { peer: {} }, onFailure: ({ code }) => failures.push(code), failures };
}

/** A Stage that fails with a code or gives a Link, and notes that it was asked. */
function makeStage(asked: string[], name: string, outcome: ErrorCode | Link): Layer {
  return () => () => {
    asked.push(name);
    return typeof outcome === 'string' ? Promise.reject(new TunlError(outcome, name)) : Promise.resolve(outcome);
  };
}

test.each([
  'dns_error',
  'dns_timeout',
  'connection_refused',
  'connection_timeout',
  'tls_protocol_error',
  'tls_certificate_error',
  'http_response_timeout',
  'http_protocol_error',
  'http_response_incomplete',
  'hop_failed',
] as const)('the next alternative is tried after %s', async (code) => {
  const asked: string[] = [];
  const [link] = linkPair();
  const dial = firstOf([makeStage(asked, 'a', code), makeStage(asked, 'b', link)])(unused);
  const ctx = makeContext();
  expect(await dial(target, ctx)).toBe(link);
  expect(asked).toEqual(['a', 'b']);
  expect(ctx.failures).toEqual([code]);
});

test.each(['auth_required', 'hop_refused', 'http_request_denied', 'destination_ip_prohibited', 'usage'] as const)(
  'an answer about the request itself is final: %s',
  async (code) => {
    const asked: string[] = [];
    const dial = firstOf([makeStage(asked, 'a', code), makeStage(asked, 'b', linkPair()[0])])(unused);
    await expect(dial(target, makeContext())).rejects.toMatchObject({ code });
    expect(asked).toEqual(['a']);
  },
);

test('when all fail, the last one says why', async () => {
  const asked: string[] = [];
  const stages = [makeStage(asked, 'a', 'dns_error'), makeStage(asked, 'b', 'connection_refused')];
  await expect(firstOf(stages)(unused)(target, makeContext())).rejects.toMatchObject({ message: 'b' });
});

test('nothing more is tried for somebody who went away', async () => {
  const asked: string[] = [];
  const abort = new AbortController();
  const leaving: Layer = () => () => {
    asked.push('a');
    abort.abort(new TunlError('interrupted', 'gone'));
    return Promise.reject(new TunlError('connection_refused', 'a'));
  };
  const dial = firstOf([leaving, makeStage(asked, 'b', linkPair()[0])])(unused);
  await expect(dial(target, makeContext(abort.signal))).rejects.toMatchObject({ code: 'connection_refused' });
  expect(asked).toEqual(['a']);
});

test('a single alternative is the Stage itself', () => {
  const stage = makeStage([], 'a', 'dns_error');
  expect(firstOf([stage])).toBe(stage);
});

test('in turn, each tunnel begins with another alternative, and one that failed a moment ago comes last', async () => {
  const asked: string[] = [];
  const stages = [
    makeStage(asked, 'a', linkPair()[0]),
    makeStage(asked, 'b', 'connection_refused'),
    makeStage(asked, 'c', linkPair()[0]),
  ];
  const dial = eachInTurn(stages)(unused);
  for (let tunnel = 0; tunnel < 5; tunnel++) await dial(target, makeContext());
  expect(asked.join('')).toBe('abccac');
});
