import { findScheme } from '../../../carriers/index.ts';
import type { HopChoice } from '../../../chain/model/graph.ts';
import type { DialStep } from '../../../core/dialer.ts';
import type { TlsFacts } from '../../../core/link.ts';
import { plainScheme, securedScheme } from '../../../core/hop.ts';
import { isLoopback } from '../../../core/ip.ts';
import { identifyPort } from '../identify-port.ts';
import { forEachHop, ofHop, type Probe } from '../probe.ts';
import { describeCertificate } from '../target-hello.ts';
import { failureVerdict, type Verdict } from '../verdict.ts';

/** A certificate that ends within this time, in milliseconds, is worth a warning. */
const soonMs = 14 * 24 * 3_600_000;

/** The version of HTTP, and TLS with the certificate; or what the port speaks instead. */
export const http: Probe = {
  name: 'HTTP',
  doing: 'asking the proxy',
  needs: 'nothing',
  examine: (exam) =>
    forEachHop(exam, async (index, choice, prefix) => {
      // Of other protocols the target's line tells all that there is to tell.
      if (choice.some(({ scheme }) => findScheme(scheme)?.carrier.protocol === 'socks')) return [];
      const { error, answers, steps, isSpent, link } = await exam.visitHop(index);
      if (ofHop(answers, index).length > 0 || link) return [describeVersion(ofHop(steps, index), choice, prefix)];
      if (isSpent || !error) return [];
      if (error.phase === 'tls') return [failureVerdict(http.name, error, { text: prefix + error.message })];
      const found = await identifyPort(exam, index);
      return [failureVerdict(http.name, error, { text: prefix + error.message, ...found })];
    }),
};

function describeVersion(steps: readonly DialStep[], choice: HopChoice, prefix: string): Verdict {
  const tls = steps.find((step) => step.tls)?.tls;
  const isHttp2 = steps.some(({ detail }) => detail.startsWith('HTTP/2'));
  const version = isHttp2 ? '2' : '1.1';
  const facts = { version, ...(tls && { tls: tls.protocol, alpn: tls.alpn }) };
  if (tls) return describeTls(tls, `${prefix}${version}, ${tls.protocol}`, facts);
  const [hop] = choice;
  // A chooser has no connection of its own, and the one that was chosen may be of either kind.
  const isOpen = hop !== undefined && !hop.chooser && hop.address.kind === 'tcp' && !isLoopback(hop.address);
  if (!isOpen || plainScheme(hop.scheme) !== undefined)
    return { name: http.name, state: 'ok', text: `${prefix}${version}, no TLS`, facts };
  const secured = securedScheme(hop.scheme);
  return {
    name: http.name,
    state: 'warning',
    text: `${prefix}${version}, no TLS: a Basic password would be readable on the way`,
    ...(secured !== undefined && { remedies: [`if it takes TLS on another port: ${secured}://`] }),
    facts,
  };
}

function describeTls({ certificate }: TlsFacts, text: string, facts: NonNullable<Verdict['facts']>): Verdict {
  if (!certificate) return { name: http.name, state: 'ok', text, facts };
  const { issuer, validTo } = describeCertificate(certificate);
  const isSoon = Date.parse(validTo) < Date.now() + soonMs;
  return {
    name: http.name,
    state: isSoon ? 'warning' : 'ok',
    text: `${text}, certificate of ${issuer} until ${validTo.slice(0, 10)}`,
    ...(isSoon && { remedies: ['its owner must renew it'] }),
    facts: { ...facts, issuer, validTo },
  };
}
