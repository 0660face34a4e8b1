import type { CheckOptions } from '../../../../src/app/check/options.ts';
import type { Hop } from '../../../../src/core/hop.ts';
import { Secret } from '../../../../src/core/secret.ts';
import type { Certs, IssuedCertificate } from '../../../support/certs/certs.ts';
import { makeHop } from '../../../support/harness/app.ts';
import { type Manner as Asking, startAskingProxy } from '../../../support/peers/asking-proxy.ts';
import { startManneredProxy, type TunnelManner } from '../../../support/peers/mannered-proxy.ts';
import { type Behaviour, startTarget } from '../../../support/targets/plain.ts';
import { startTls } from '../../../support/targets/tls.ts';

/** The name of the target's host, which only proxies resolve. */
export const host = 'box.example';

/** One kind of way to a target, and what a check must say of it. */
export interface Manner {
  /** How the way is, as a phrase. */
  readonly name: string;
  readonly start: (certs: Certs) => Promise<Partial<CheckOptions> & Pick<CheckOptions, 'hops' | 'target'>>;
  /** The lines that matter, with `proxy` in the place of the proxy's address. */
  readonly says: readonly string[];
  readonly exit: number;
}

export const at = (port: number) => ({ kind: 'tcp', host, port }) as const;
export const one = (hop: Hop) => [[hop]];
const local = (port: number) => ({ kind: 'tcp', host: '127.0.0.1', port }) as const;

/** A server of ssh, as far as its first bytes go. */
export const sshServer: Behaviour = (socket) => {
  socket.on('error', () => {}).write('SSH-2.0-OpenSSH_9.2\r\n');
  socket.once('data', (chunk) => {
    if (chunk.toString('latin1').startsWith('SSH-2.0-')) socket.write(Buffer.alloc(700, 1));
    else socket.end('Invalid SSH identification string.\r\n');
  });
};

/** A proxy of some manner before a target on port 22, unless another is named. */
export const through =
  (
    behave: Behaviour,
    manner: Partial<TunnelManner>,
    more: Partial<CheckOptions> & { readonly port?: number } = {},
  ): Manner['start'] =>
  async () => {
    const { port = 22, ...options } = more;
    const target = await startTarget(behave);
    const proxy = await startManneredProxy({ reach: { [`${host}:${port}`]: target.port }, ...manner });
    return { hops: one(makeHop('http', proxy.port)), target: at(port), ...options };
  };

/** A proxy that answers the first request with these bytes, or in the place of which something else listens. */
export const answering =
  (behave: Behaviour, more: Partial<CheckOptions> = {}): Manner['start'] =>
  async () => {
    const proxy = await startTarget(behave);
    return { hops: one(makeHop('http', proxy.port)), target: at(22), ...more };
  };

/** A proxy that asks who we are, before a target of its own machine. */
export const asking =
  (manner: Asking, login?: { readonly user: string; readonly password: string }): Manner['start'] =>
  async () => {
    const target = await startTarget(sshServer);
    const proxy = await startAskingProxy(manner);
    const credentials = login && { user: login.user, password: new Secret(login.password) };
    return {
      hops: one(makeHop('http', proxy.port, credentials ? { credentials } : {})),
      target: local(target.port),
    };
  };

/** How a way to a target for TLS differs from a usual one. */
interface Varied {
  readonly manner?: Partial<TunnelManner>;
  readonly options?: Partial<CheckOptions>;
}

/** A proxy of some manner before a target for TLS with this certificate, on port 443. */
export const overTls =
  (
    issue: (certs: Certs) => IssuedCertificate | Promise<IssuedCertificate>,
    vary: (certs: Certs) => Varied | Promise<Varied> = () => ({}),
  ): Manner['start'] =>
  async (certs) => {
    const port = await startTls(await issue(certs));
    const { manner, options } = await vary(certs);
    const proxy = await startManneredProxy({ reach: { [`${host}:443`]: port }, ...manner });
    return { hops: one(makeHop('http', proxy.port)), target: at(443), publicCa: certs.ca.cert, ...options };
  };

/** The manner of opening TLS with a certificate for the host from another authority. */
export const intercepting = async (certs: Certs): Promise<Partial<TunnelManner>> => ({
  intercept: await certs.issue({ cn: host, dns: [host], issuer: certs.otherCa }),
});

export const forHost = (certs: Certs) => certs.issue({ cn: host, dns: [host] });
