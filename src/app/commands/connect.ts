import { TunlError, toTunlError } from '../../core/errors.ts';
import { formatAddress } from '../../core/address.ts';
import type { Layer } from '../../core/dialer.ts';
import { stdioLink } from '../../listeners/stdio.ts';
import type { RelayResult } from '../../relay/terms.ts';
import { emptyError } from '../tunnel/beginning.ts';
import { Doubts } from '../tunnel/doubts.ts';
import { recallHops } from '../recall.ts';
import type { Runtime } from '../runtime.ts';
import type { ConnectOptions } from './options.ts';
import { createRoute } from '../stages/route.ts';
import { createSecurity, secureEnd } from '../stages/security.ts';
import { findTlsHints, isTlsAlert } from './tls-hint.ts';
import { carryTunnel } from '../tunnel/tunnel.ts';
import { Tunnels } from '../tunnel/tunnels.ts';

/** The time, in milliseconds, that stdin may be idle once the target has ended. */
const targetEndedLingerMs = 5000;

/** The time, in milliseconds, within which stdin ends if the process that closed it also sent us a signal. */
const inputEndMs = 100;

/**
 * The time, in milliseconds, that the answer may take once the end of stdin was sent to a hop that does not forward it.
 */
const swallowedLingerMs = 5000;

/**
 * Connects stdin and stdout to the target and returns when both directions have ended cleanly. When the scope drains,
 * it ends soon if stdin has ended too.
 * @throws {TunlError} for every other end, with its exit status
 */
export async function runConnect(options: ConnectOptions, runtime: Runtime): Promise<void> {
  try {
    await carryStdio(options, runtime);
  } finally {
    await runtime.scope.close();
  }
}

async function carryStdio(options: ConnectOptions, runtime: Runtime): Promise<void> {
  const { target, limits } = options;
  const { scope, emit } = runtime;
  const inner = options.targetTls ? [await createTargetTls(options)] : [];
  const memory = await recallHops(options.hops, options.cacheEnv, runtime);
  const route = await createRoute(
    { ...options, hops: memory?.hops ?? options.hops },
    { inner, resolver: 'both', emit },
  );
  scope.defer(() => route.close());
  if (options.check === true) {
    const { checkTargets } = await import('../tunnel/check.ts');
    return checkTargets(route.dial, [target], { emit, signal: scope.forced });
  }
  const tunnels = new Tunnels(emit);
  scope.forced.addEventListener('abort', () => tunnels.cutAll(toTunlError(scope.forced.reason)), { once: true });
  scope.draining.addEventListener('abort', () => part(options.stdin, tunnels, scope.draining.reason), { once: true });
  // On a terminal stdin does not end by itself, so the end of the target ends everything.
  const atOnce = options.stdin.isTTY === true;
  const relayLimits = {
    ...limits,
    targetEndedLingerMs: atOnce ? 1 : Math.min(targetEndedLingerMs, limits.lingerMs || targetEndedLingerMs),
    // After that, nobody can receive further bytes from stdin.
    targetGoneLingerMs: 1,
    swallowedLingerMs: Math.min(swallowedLingerMs, limits.lingerMs || swallowedLingerMs),
  };
  const outcome = await carryTunnel(
    { ...route, limits: relayLimits, tunnels, emit, doubts: new Doubts(emit) },
    {
      target,
      origin: { peer: {} },
      gone: new AbortController().signal,
      accept: () => {
        memory?.save();
        return stdioLink(options);
      },
      keepsBytes: true,
      refuse: () => {},
    },
  );
  if ('failure' in outcome) throw outcome.failure;
  const failure = toFailure(await outcome.ended, formatAddress(target));
  const { beginning } = outcome;
  const hints = options.targetTls || !beginning ? [] : findTlsHints(beginning, target.port);
  if (failure?.side === 'client' && options.isOneUnixSocket && !beginning?.sent) throw toFdpassFailure(failure);
  if (failure) throw failure.side === 'target' ? failure.withHints(...hints) : failure;
  if (beginning?.isEmpty) {
    throw emptyError(formatAddress(target), 'ended')
      .with({ said: true })
      .withHints(...hints);
  }
  // The tunnel ended cleanly, but a TLS alert is hardly what the user wanted.
  if (!beginning || !isTlsAlert(beginning)) return;
  for (const message of hints) emit({ event: 'notice', level: 'warning', message });
}

/**
 * Ends a tunnel on request, for example when ssh has exited. If stdin has been closed, its bytes and its end are still
 * sent, and the tunnel ends cleanly. If stdin does not end, the input may be incomplete, so the tunnel is cut.
 */
function part(stdin: ConnectOptions['stdin'], tunnels: Tunnels, reason: unknown): void {
  const cut = () => tunnels.cutAll(toTunlError(reason));
  if ([...tunnels].some(({ handle }) => !handle)) return cut();
  if (stdin.readableEnded) return;
  const timer = setTimeout(cut, inputEndMs);
  stdin.once('end', () => clearTimeout(timer));
}

function toFailure(result: RelayResult, target: string): TunlError | undefined {
  const { end, side, error, delivered, unheard, swallowedBy } = result;
  if (end === 'clean') return undefined;
  // A limit that ends the wait is no failure if the target's answer was delivered, or if a hop never passed our end on.
  if ((end === 'linger' || end === 'idle') && (delivered || swallowedBy)) return undefined;
  // This reset loses nothing; an HTTP/2 server may send one once it has ended its answer.
  if (end === 'reset' && side === 'target' && delivered && !unheard) return undefined;
  if (error instanceof TunlError) return error;
  const facts = { phase: 'relay', cause: error } as const;
  if (side === 'client') {
    const code = (error as NodeJS.ErrnoException).code === 'EPIPE' ? 'output_closed' : 'tunnel_truncated';
    return new TunlError(code, `standard input or output failed: ${error?.message}`, { ...facts, side: 'client' });
  }
  return new TunlError('tunnel_truncated', `the tunnel to ${target} was cut: ${describeReset(error)}`, {
    ...facts,
    side: 'target',
  });
}

/** Adds the hint for an ssh that waits for a descriptor: it treats the first bytes as a broken answer and exits. */
function toFdpassFailure({ message, facts }: TunlError): TunlError {
  const hint = 'tunl gives ssh bytes and no descriptor: set ProxyUseFdpass no';
  return new TunlError('tunnel_truncated', message, facts).withHints(hint);
}

function describeReset(error: Error | undefined): string {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'connection reset' : (error?.message ?? 'unknown reason');
}

/** Makes the layer of `--tls-target`: TLS between us and the target, inside the tunnel. */
async function createTargetTls({ target, targetTls = {}, limits }: ConnectOptions): Promise<Layer> {
  const peer = {
    host: target.host,
    place: formatAddress(target),
    withoutTls: 'leave --tls-target out',
    alpn: [],
  };
  return secureEnd(await createSecurity(targetTls), { tlsMs: limits.tlsMs, describe: () => peer, isStep: true });
}
