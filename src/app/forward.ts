import { type Address, formatAddress } from '../core/address.ts';
import { listen } from '../listeners/socket.ts';
import { checkTargets } from './check.ts';
import type { Link } from '../core/link.ts';
import type { ForwardOptions, ForwardSpec, Running, Runtime } from './options.ts';
import { createRoute } from './route.ts';
import { carryTunnel, type TunnelEnv } from './tunnel.ts';
import { Tunnels } from './tunnels.ts';

/**
 * Opens the listeners of all specs, each leading to its target:
 *
 *     listener -> dial through the hops -> relay
 *
 * @throws {TunlError} usage or address_in_use, with `check` also why a target is not reached; then no listener is left open
 */
export async function startForward(options: ForwardOptions, runtime: Runtime): Promise<Running> {
  const { scope, emit } = runtime;
  const route = await createRoute(options);
  scope.defer(() => route.close());
  const bypass = await createRoute({ ...options, hops: [] });
  const routeTo = (target: Address) => (options.direct?.has(target) ? bypass : route);
  const tunnels = new Tunnels(emit);
  const { idleMs, lingerMs } = options.limits;
  const envOf = ({ target }: ForwardSpec): TunnelEnv => {
    const { dial, via } = routeTo(target);
    return { dial, via, limits: { idleMs, lingerMs }, tunnels, emit };
  };

  const addresses: Address[] = [];
  try {
    if (options.check === true) {
      await checkTargets(
        (address, ctx) => routeTo(address).dial(address, ctx),
        options.specs.map(({ target }) => target),
        { emit, signal: scope.draining },
      );
    }
    for (const spec of options.specs) {
      const listener = await listen(spec.listen, (link) => void serveClient(envOf(spec), spec, link));
      scope.defer(() => listener.close());
      scope.draining.addEventListener('abort', () => void listener.close(), { once: true });
      addresses.push(listener.address);
    }
    runtime.onReady?.(addresses);
  } catch (error) {
    await scope.close();
    throw error;
  }
  addresses.forEach((address, index) => {
    const spec = options.specs[index] as ForwardSpec;
    const target = formatAddress(spec.target);
    emit({ event: 'listening', role: 'forward', ...formatListening(address), target, via: envOf(spec).via });
  });
  return { addresses, tunnels, done: runUntilDrained(runtime, tunnels) };
}

function serveClient(env: TunnelEnv, { target }: ForwardSpec, client: Link): Promise<unknown> {
  const gone = new AbortController();
  client.stream.once('close', () => gone.abort());
  return carryTunnel(env, {
    target,
    origin: { peer: client.peer },
    gone: gone.signal,
    accept: () => client,
    // A clean close would look like an empty answer of the target.
    refuse: (error) => client.reset(error),
  });
}

/** The parts of a `listening` event that an address gives. */
export function formatListening(address: Address): { address: string; port?: number } {
  return { address: formatAddress(address), ...(address.kind === 'tcp' && { port: address.port }) };
}

/** Resolves once the scope was drained: listeners closed, tunnels ended or cut, cleanups done. */
export async function runUntilDrained({ scope, graceMs }: Runtime, tunnels: Tunnels): Promise<number> {
  await new Promise<void>((resolve) => {
    if (scope.draining.aborted) resolve();
    scope.draining.addEventListener('abort', () => resolve(), { once: true });
  });
  const cut = await tunnels.drain(graceMs, scope.forced);
  await scope.close();
  return cut;
}
