import { TunlError, toTunlError } from '../../core/errors.ts';
import { formatAddress } from '../../core/address.ts';
import type { Layer } from '../../core/dialer.ts';
import { stdioLink } from '../../listeners/stdio.ts';
import type { RelayResult } from '../../relay/relay.ts';
import { emptyError } from '../tunnel/beginning.ts';
import { checkTargets } from '../tunnel/check.ts';
import { Doubts } from '../tunnel/doubts.ts';
import type { Runtime } from '../runtime.ts';
import type { ConnectOptions } from './options.ts';
import { createRoute } from '../stages/route.ts';
import { createSecurity, secureEnd } from '../stages/security.ts';
import { findTlsHints, isTlsAlert } from './tls-hint.ts';
import { carryTunnel } from '../tunnel/tunnel.ts';
import { Tunnels } from '../tunnel/tunnels.ts';

/** How long stdin may stand still once the target has ended. */
const targetEndedLingerMs = 5000;

/** How soon stdin ends where whoever closed it has sent us a signal right after. */
const inputEndMs = 100;

/** How long the answer may take once a hop that does not pass ends on was told that stdin has ended. */
const swallowedLingerMs = 5000;

/**
 * Joins stdin and stdout to the target and returns when both directions ended cleanly. When the scope drains, it ends
 * soon where stdin has ended too.
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
  const route = await createRoute(options, { inner, resolver: 'both' });
  scope.defer(() => route.close());
  if (options.check === true) return checkTargets(route.dial, [target], { emit, signal: scope.forced });
  const tunnels = new Tunnels(emit);
  scope.forced.addEventListener('abort', () => tunnels.cutAll(toTunlError(scope.forced.reason)), { once: true });
  scope.draining.addEventListener('abort', () => part(options.stdin, tunnels, scope.draining.reason), { once: true });
  // On a terminal nobody will end stdin for us: the end of the target is the end of all.
  const atOnce = options.stdin.isTTY === true;
  const relayLimits = {
    ...limits,
    targetEndedLingerMs: atOnce ? 1 : Math.min(targetEndedLingerMs, limits.lingerMs || targetEndedLingerMs),
    // Nobody is there for what may still come of stdin.
    targetGoneLingerMs: 1,
    swallowedLingerMs: Math.min(swallowedLingerMs, limits.lingerMs || swallowedLingerMs),
  };
  const outcome = await carryTunnel(
    { ...route, limits: relayLimits, tunnels, emit, doubts: new Doubts(emit) },
    {
      target,
      origin: { peer: {} },
      gone: new AbortController().signal,
      accept: () => stdioLink(options),
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
  // In good order, but hardly what was wanted.
  if (!beginning || !isTlsAlert(beginning)) return;
  for (const message of hints) emit({ event: 'notice', level: 'warning', message });
}

/**
 * Asked to end, as by an ssh that has gone: where it has closed stdin, what it sent and its end still go out, and the
 * tunnel ends in good order. Nothing says that the input is whole where stdin does not end, so the tunnel is cut.
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
  // Whatever limit ends the wait for stdin: the target has had its say. Or it will never be told that we have.
  if ((end === 'linger' || end === 'idle') && (delivered || swallowedBy)) return undefined;
  // A reset that takes nothing along, such as a server's over HTTP/2 once it has ended its answer.
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

/** An ssh that waits for a descriptor takes the first bytes for a broken answer, and goes. */
function toFdpassFailure({ message, facts }: TunlError): TunlError {
  const hint = 'tunl gives ssh bytes and no descriptor: set ProxyUseFdpass no';
  return new TunlError('tunnel_truncated', message, facts).withHints(hint);
}

function describeReset(error: Error | undefined): string {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'connection reset' : (error?.message ?? 'unknown reason');
}

/** The Stage of `--tls-target`: TLS between us and the target, inside the tunnel. */
async function createTargetTls({ target, targetTls = {}, limits }: ConnectOptions): Promise<Layer> {
  const peer = {
    host: target.host,
    place: formatAddress(target),
    withoutTls: 'leave --tls-target out',
    alpn: [],
  };
  return secureEnd(await createSecurity(targetTls), { tlsMs: limits.tlsMs, describe: () => peer, isStep: true });
}
