import { afterAll } from 'vitest';
import type { Target } from '../../../src/chain/model/graph.ts';
import { calmLimits, makeHop } from '../harness/app.ts';
import { makeCerts } from '../certs/certs.ts';
import { startChain, type TestChain } from '../harness/chain.ts';
import { forwardStage, internal, proxyStage } from './graphs.ts';

/** A thousand tunnels that end together on a busy machine take longer than a single one. */
const limits = { ...calmLimits, tlsMs: 60_000, handshakeMs: 60_000, lingerMs: 60_000 };

/** Names of the stages of a deep chain, in travel order. */
export const deepStages = ['ingress', 'a', 'b', 'encap', 'gate', 'c', 'd', 'encap-2', 'gate-2'] as const;

/** Starts chains nine stages deep. Their certificates are removed after the test file. */
export async function makeStartDeepChain(): Promise<(end: Target & { kind: 'tcp' }) => Promise<TestChain>> {
  const certs = await makeCerts();
  afterAll(() => certs.remove());
  const tls = { cert: certs.server.cert, key: certs.server.key };
  const secure = makeHop('https', 443, { tls: { cacert: certs.ca.cert } });
  // a and c are fused. The others are not, because of a log, TLS, policy, an idle limit, or HTTP/2 in memory.
  return (end) =>
    startChain([
      forwardStage('ingress', internal('a'), { route: { limits } }),
      forwardStage('a', internal('b'), { listen: 'internal', route: { limits } }),
      forwardStage('b', internal('encap'), { listen: 'internal', log: true, route: { limits } }),
      forwardStage('encap', end, {
        listen: 'internal',
        log: true,
        route: { limits, hops: [[secure]], entry: internal('gate') },
      }),
      proxyStage('gate', { listen: 'internal', tls, deny: ['*.example:25'], to: internal('c'), route: { limits } }),
      forwardStage('c', internal('d'), { listen: 'internal', route: { limits } }),
      forwardStage('d', internal('encap-2'), {
        listen: 'internal',
        route: { limits: { ...limits, idleMs: 600_000 } },
      }),
      forwardStage('encap-2', end, {
        listen: 'internal',
        log: true,
        route: { limits, hops: [[makeHop('h2c', 80)]], entry: internal('gate-2') },
      }),
      proxyStage('gate-2', { listen: 'internal', route: { limits } }),
    ]);
}
