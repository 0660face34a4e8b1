import { finished } from 'node:stream/promises';
import { type Address, formatAddress } from '../../core/address.ts';
import { abortReason } from '../../core/deadline.ts';
import type { Dial, DialStep } from '../../core/dialer.ts';
import { TunlError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Link } from '../../core/link.ts';
import { mayBeWeb, recogniseWeb } from '../../http/tunnel/web-answer.ts';
import { emptyError } from './beginning.ts';
import { reportProgress } from './tunnel-events.ts';

/** The environment of a check. */
export interface CheckRuntime {
  readonly emit: EventSink;
  /** Aborting it ends the check. */
  readonly signal: AbortSignal;
}

/** The time, in milliseconds, that a target may take to end after we have ended; then the tunnel is destroyed. */
const endMs = 300;

/** The least and the most time, in milliseconds, that a tunnel is watched. */
const [leastMs, mostMs] = [300, 2000];

/**
 * Dials every target once, all at the same time, and closes the tunnels without sending anything. If a hop accepted,
 * its tunnel is watched for a moment before the answer is trusted.
 * @throws {TunlError} the failure of the first target, in the order given, that was not reached
 */
export async function checkTargets(dial: Dial, targets: readonly Address[], runtime: CheckRuntime): Promise<void> {
  const outcomes = await Promise.allSettled(targets.map((target) => checkTarget(dial, target, runtime)));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
}

async function checkTarget(dial: Dial, target: Address, { emit, signal }: CheckRuntime): Promise<void> {
  const { onProgress, ...reports } = reportProgress(emit);
  // The last handshake is that of the hop that leads to the target.
  let answerMs: number | undefined;
  let via: readonly string[] = [];
  const started = performance.now();
  const link = await dial(target, {
    signal,
    target,
    origin: { peer: {} },
    onProgress: (step: DialStep) => {
      if (step.phase === 'handshake') answerMs = step.ms;
      onProgress?.(step);
    },
    onDialled: (way) => void ({ via } = way),
    onDoubt: (message) => emit({ event: 'notice', level: 'warning', message }),
    ...reports,
  });
  const ms = Math.max(Math.round(performance.now() - started), 1);
  try {
    if (answerMs !== undefined) {
      await watchYes(link, formatAddress(target), Math.min(Math.max(leastMs, 2 * answerMs), mostMs), signal);
    }
  } finally {
    await letGo(link, signal);
  }
  const hops = via.length === 0 ? '' : ` through ${via.length === 1 ? '1 hop' : `${via.length} hops`}`;
  const message = `${formatAddress(target)} is reachable${hops} in ${ms} ms`;
  emit({ event: 'notice', level: 'verbose', message, isAnswer: true });
}

/** Ends a tunnel cleanly: the target sees a client that left, and may end as well. */
async function letGo({ stream }: Link, signal: AbortSignal): Promise<void> {
  stream.resume().end();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(endMs)]);
  await finished(stream, { signal: limit }).catch(() => {});
  stream.destroy();
}

/**
 * Watches a tunnel for signs that a proxy accepted it in vain. Bytes are a success, and so is silence, because most
 * services wait for their client.
 */
function watchYes({ stream }: Link, target: string, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      stream.off('data', onData).off('end', onEnd).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      if (error) reject(error);
      else resolve();
    };
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const web = recogniseWeb(received);
      if (web) settle(webError(target, web.line));
      else if (!mayBeWeb(received)) settle();
    };
    const onGone = (how: 'ended' | 'reset the tunnel') =>
      settle(received.length > 0 ? undefined : emptyError(target, how));
    const onEnd = () => onGone('ended');
    const onClose = () => onGone('reset the tunnel');
    const onAbort = () => settle(abortReason(signal));
    const timer = setTimeout(settle, ms);
    if (signal.aborted) return onAbort();
    if (stream.readableEnded) return onEnd();
    if (stream.destroyed) return onClose();
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on('data', onData).on('end', onEnd).on('close', onClose).resume();
  });
}

function webError(target: string, line: string): TunlError {
  const message = `the tunnel to ${target} begins with what a web server says, and nothing was asked: "${line}"`;
  return new TunlError('http_protocol_error', message, { side: 'hop', phase: 'handshake' });
}
