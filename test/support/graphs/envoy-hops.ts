import fc from 'fast-check';
import type { AccessLog, HopChoice, Limits, RouteOptions, Target } from '../../../src/chain/model/graph.ts';
import type { HeaderField, Hop } from '../../../src/core/hop.ts';

/** The files that the graphs name; Envoy reads them when it validates a file. */
export interface GraphFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Hosts that must be resolved, and hosts that need not be. */
export const name: fc.Arbitrary<string> = fc.constantFrom('db', 'a.example.com');
export const ip: fc.Arbitrary<string> = fc.constantFrom('192.0.2.7', '2001:db8::1', '127.0.0.1');
/** Ports above those of the listeners, so that a graph cannot form a loop. */
const port = fc.integer({ min: 2000, max: 65535 });
const pin = 'sha256/9Y1mTyxXgz-WHmghRlDzpSp362CV0Iy0jyfRX43T5wA';

/** Generates an address in the network. */
export function tcp(host: fc.Arbitrary<string>): fc.Arbitrary<Target & { kind: 'tcp' }> {
  return fc.record({ kind: fc.constant('tcp' as const), host, port });
}

/** Generates the limits that Envoy has too. */
export const limits: fc.Arbitrary<Limits> = fc
  .record({
    connectMs: fc.constantFrom(250, 5000, 10_000),
    idleMs: fc.constantFrom(0, 1500, 300_000, 3_600_000),
    lifetimeMs: fc.constantFrom(undefined, 0, 90_000),
  })
  .map(({ connectMs, idleMs, lifetimeMs }) => ({
    dnsMs: 5000,
    connectMs,
    tlsMs: 10_000,
    handshakeMs: 15_000,
    idleMs,
    lingerMs: 60_000,
    halfCloseWaitMs: 2000,
    ...(lifetimeMs !== undefined && { lifetimeMs }),
  }));
/** Generates the number of attempts. */
export const attempts: fc.Arbitrary<Pick<RouteOptions, 'retries' | 'retryOn' | 'backOff'>> = fc.constantFrom(
  {},
  { retries: 0 },
  { retries: 2, retryOn: 'any' },
  { retries: 1, retryOn: 'any', backOff: { baseMs: 250, maxMs: 5000 } },
);
/** Generates the version of IP and the address to connect from. */
export const family: fc.Arbitrary<Pick<RouteOptions, 'family' | 'sourceAddress'>> = fc.constantFrom(
  {},
  {},
  { family: 4 as const },
  { family: 6 as const },
  { family: 4 as const, sourceAddress: '127.0.0.2' },
  { sourceAddress: '127.0.0.2' },
  { sourceAddress: '::1' },
);
/** Generates the PROXY header that a stage sends on the connections that it opens for its own clients. */
export const sentHeader: fc.Arbitrary<Pick<RouteOptions, 'sendProxyProtocol'>> = fc.constantFrom(
  {},
  {},
  { sendProxyProtocol: 'v1' as const },
  { sendProxyProtocol: 'v2' as const },
);
/** Generates access logs. */
export const accessLogs: fc.Arbitrary<readonly AccessLog[]> = fc.subarray<AccessLog>([
  { path: '/dev/stdout' },
  { path: '/dev/stderr', format: '%BYTES_SENT% 100%%' },
  { path: '/dev/stdout', format: { sent: '%BYTES_SENT%', 'a b': 'c' } },
  { path: '/dev/stdout', at: ['opened'], when: [[{ kind: 'took', compare: '<=', value: 5 }]] },
  { path: '/dev/stderr', at: ['asked', 'ended'] },
  { path: '/dev/stdout', when: [[{ kind: 'flags', flags: [] }], [{ kind: 'status', compare: '>=', value: 500 }]] },
  {
    path: '/dev/stderr',
    when: [
      [
        { kind: 'took', compare: '!=', value: 5 },
        { kind: 'flags', flags: ['UF', 'NR'] },
        { kind: 'field', field: { name: 'x-a', value: { kind: 'prefix', value: 'b' }, invert: true } },
      ],
    ],
  },
]);
const header: fc.Arbitrary<HeaderField> = fc.tuple(
  fc.constantFrom('x-a', 'x-b'),
  fc.constantFrom('b', '100%', '%DURATION%', 'a "b": c'),
);

/** Generates the TLS settings of a server. */
export function tls({ cert, key, ca }: GraphFiles): fc.Arbitrary<Hop['tls']> {
  return fc
    .record({
      verify: fc.constantFrom({}, { cacert: ca }, { pin }, { insecure: true }),
      own: fc.constantFrom({}, { cert, key }),
      servername: fc.constantFrom({}, { servername: 'other.example' }),
    })
    .map(({ verify, own, servername }) => ({ ...verify, ...own, ...servername }));
}

/** Generates a hop of a kind that Envoy supports. */
export function hop(files: GraphFiles): fc.Arbitrary<Hop> {
  const common = fc.record({
    address: tcp(fc.oneof(name, ip)),
    headers: fc.array(header, { maxLength: 2 }),
    formats: fc.constantFrom({}, { formats: [['x-time', '%START_TIME%']] as const }),
  });
  const plain = fc
    .record({
      common,
      scheme: fc.constantFrom('http', 'https', 'h2c', 'h2', 'post+http', 'post+h2c', 'post+h2'),
      tls: tls(files),
      path: fc.constantFrom({}, { path: '/tunnel' }, { path: '/' }),
    })
    .map(({ common: { formats, ...parts }, scheme, path, tls: own }) => ({
      ...parts,
      scheme,
      tls: /(?:https|h2)$/.test(scheme) ? own : {},
      settings: scheme.startsWith('post+') ? path : {},
      ...formats,
    }));
  return fc.oneof({ weight: 6, arbitrary: plain }, { weight: 1, arbitrary: fc.tuple(common, told).map(toHbone) });

  function toHbone([{ formats, ...parts }, own]: [Common, Hop['settings']]): Hop {
    const { cert, key, ca: cacert } = files;
    return { ...parts, scheme: 'hbone', tls: { cert, key, cacert }, settings: { ...own, ...silent }, ...formats };
  }
}

type Common = Pick<Hop, 'address' | 'headers'> & { readonly formats: Pick<Hop, 'formats'> };

/** The HBONE settings that Envoy can express; `silent` disables the fields that it cannot send. */
const told: fc.Arbitrary<Hop['settings']> = fc.constantFrom(
  {},
  { baggage: 'k8s.namespace.name=a%20b', source: 'sidecar' },
);
const silent = { peer: 'spiffe://cluster.local/ns/shop/sa/db', traceparent: 'no', forwarded: 'no' } as const;

/** Generates two alternatives of the same kind for the nearest hop. */
export function alternatives(files: GraphFiles): fc.Arbitrary<HopChoice> {
  return fc.tuple(hop(files), tcp(ip)).map(([first, address]) => {
    const named = { ...first, tls: first.scheme.endsWith('c') ? {} : { ...first.tls, servername: 'both.example' } };
    const alike = /(?:https|h2)$/.test(first.scheme) ? named : first;
    return [alike, { ...alike, address }];
  });
}
