import { makeCerts } from '../../support/certs/certs.ts';
import { type EncapsulatorOptions, startEnvoyEncapsulator } from '../parts/envoy.ts';
import type { Part } from './part.ts';
import { startTunlServe, type TunlPart } from './tunl.ts';

/** A real program that sends what comes to its port through `tunl serve` to one target. */
export interface Front extends Pick<EncapsulatorOptions, 'method' | 'protocol'> {
  readonly name: string;
  /** `grace` is what the server gives its tunnels when it is stopped. */
  start(targetPort: number, grace?: string): Promise<StartedFront>;
}

/** A front that listens, and the server behind it. */
export interface StartedFront {
  readonly front: Part;
  readonly serve: TunlPart;
  /** The output of both, for the message of a failing test. */
  log(): string;
  stop(): Promise<void>;
}

/** Every way in which Envoy opens tunnels through a proxy. */
export const envoyFronts: readonly Front[] = (['CONNECT', 'POST'] as const).flatMap((method) =>
  (['h1', 'h2'] as const).flatMap((protocol) => [
    { name: `${method} over ${protocol}`, method, protocol, start: makeStart(method, protocol, 'clear') },
    { name: `${method} over ${protocol} in TLS`, method, protocol, start: makeStart(method, protocol, 'tls') },
  ]),
);

function makeStart(method: Front['method'], protocol: Front['protocol'], security: 'clear' | 'tls'): Front['start'] {
  return async (targetPort, grace = '0') => {
    const certs = security === 'tls' ? await makeCerts() : undefined;
    const tls = certs ? ['--tls', '--cert', certs.server.cert, '--key', certs.server.key] : [];
    const accept = method === 'POST' ? ['--post'] : [];
    const serve = await startTunlServe(['-v', '--grace', grace, ...tls, ...accept]);
    const front = await startEnvoyEncapsulator({
      proxyPort: serve.port,
      target: `127.0.0.1:${targetPort}`,
      method,
      protocol,
      ...(certs && { cacert: certs.ca.cert }),
    });
    return {
      front,
      serve,
      log: () => `${front.log()}\n${serve.log()}`,
      stop: async () => void (await Promise.all([front.stop(), serve.stop()])),
    };
  };
}
