import { onTestFinished } from 'vitest';
import type { ServeOptions } from '../../../src/app/commands/options.ts';
import { findScheme } from '../../../src/carriers/index.ts';
import type { TcpAddress } from '../../../src/core/address.ts';
import type { Carrier, CarrierScheme } from '../../../src/core/carrier.ts';
import type { DialStep } from '../../../src/core/dialer.ts';
import type { Hop } from '../../../src/core/hop.ts';
import { resetError } from '../../../src/core/link.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { BedOptions, StartBed, TestCredentials } from '../../conformance/carrier-bed.ts';
import { type IssuedCertificate, makeCerts } from '../certs/certs.ts';
import { calmLimits, findPin, makeHop, makeRoute, startTestServe, type TestApp } from './app.ts';
import type { LinkPair } from '../../conformance/link-contract.ts';
import { makeContext, makeListenerPair } from './link-pairs.ts';
import { startSocksGateway } from '../peers/socks-gateway.ts';
import { startTlsTerminator } from '../peers/tls-terminator.ts';

/** A hop as a test describes it: a scheme, and the ALPN protocols that its server accepts if not all of ours. */
export type BedHop = string | { readonly scheme: string; readonly alpn: readonly string[] };

/**
 * Makes the function that starts both ends of a route through hops of these schemes, nearest first. Each hop has its own
 * `serve`, started as the scheme's carrier requires. The options apply to the last server and its hop; `between` is put
 * before the first.
 */
export function makeStartBed(...bedHops: readonly BedHop[]): StartBed {
  return async (options = {}) => {
    const servers: TestApp[] = [];
    const hops: Hop[] = [];
    for (const [index, bedHop] of bedHops.entries()) {
      const isLast = index === bedHops.length - 1;
      const { server, hop } = await startHop(bedHop, isLast ? options : {});
      const { between } = options;
      // The hop's port may differ from the server's, because TLS may stand before the server.
      const { port: own } = hop.address as TcpAddress;
      const port = index === 0 && between ? await between(own) : own;
      servers.push(server);
      hops.push({ ...hop, address: { kind: 'tcp', host: '127.0.0.1', port } });
    }
    const { handshakeMs = calmLimits.handshakeMs } = options;
    const route = await makeRoute(hops, { ...calmLimits, handshakeMs, tlsMs: handshakeMs });
    const progress: string[] = [];
    const onProgress = (step: DialStep) => void progress.push(JSON.stringify(step));
    return {
      progress,
      server: servers.at(-1) as TestApp,
      async dial(target, signal) {
        const link = await route.dial(target, { ...makeContext(target, signal), onProgress });
        onTestFinished(() => link.reset(resetError('the test is over')));
        return link;
      },
    };
  };
}

/** Two Links joined by a tunnel: the client's, and that of a listener of ours that it leads to. */
export async function makeTunnelPair(start: StartBed): Promise<LinkPair> {
  const bed = await start();
  return makeListenerPair({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (target) => bed.dial(target as TcpAddress));
}

async function startHop(bedHop: BedHop, options: BedOptions): Promise<{ server: TestApp; hop: Hop }> {
  const scheme = typeof bedHop === 'string' ? bedHop : bedHop.scheme;
  const { carrier, tls } = findScheme(scheme) as CarrierScheme & { carrier: Carrier };
  const more = options.credentials ? { credentials: toCredentials(options.credentials) } : {};
  if (typeof bedHop !== 'string') {
    const server = await startServer(carrier, options);
    const { port, pin } = await startTlsTerminator(server.port, bedHop.alpn);
    return { server, hop: makeHop(scheme, port, { ...more, tls: { pin } }) };
  }
  if (tls?.verify === 'spiffe') {
    const { ca, server: own, client } = await spiffeCerts();
    const server = await startServer(carrier, options, { cert: own.cert, key: own.key, clientCa: ca.cert });
    return {
      server,
      hop: makeHop(scheme, server.port, { tls: { cert: client.cert, key: client.key, cacert: ca.cert } }),
    };
  }
  if (carrier.protocol === 'socks') {
    const server = await startServer(carrier, options);
    const { port } = await startSocksGateway(server.port, options.users);
    return { server, hop: makeHop(scheme, port, more) };
  }
  const server = await startServer(carrier, options, tls && {});
  return { server, hop: makeHop(scheme, server.port, { ...more, ...(tls && { tls: { pin: findPin(server) } }) }) };
}

function startServer(
  { serveFlag, modes = [] }: Carrier,
  { users, deny = [] }: BedOptions,
  tls?: ServeOptions['tls'],
): Promise<TestApp> {
  const flags = [serveFlag, ...modes.map(({ scheme }) => findScheme(scheme)?.carrier.serveFlag)];
  return startTestServe({
    // A hundred tunnels at once, each with its pauses, take long where others use the machine too.
    limits: { ...calmLimits, lingerMs: 15_000 },
    ...(tls && { tls }),
    ...(users && { users: { single: users } }),
    accept: flags.flatMap((flag) => flag?.name ?? []),
    deny,
    // What is tried in several modes is a session.
    ...(modes.length > 0 && { resumeMs: 60_000 }),
  });
}

let issued: Promise<{ ca: IssuedCertificate; server: IssuedCertificate; client: IssuedCertificate }> | undefined;

/** Makes the certificates by which both sides of a mesh identify each other, once for each test file. */
function spiffeCerts() {
  issued ??= makeCerts().then(async (certs) => {
    process.once('exit', certs.remove);
    const issue = (account: string) => certs.issue({ uris: [`spiffe://cluster.local/ns/test/sa/${account}`] });
    return { ca: certs.ca, server: await issue('server'), client: await issue('client') };
  });
  return issued;
}

function toCredentials({ user, password }: TestCredentials) {
  return { user, password: new Secret(password) };
}
