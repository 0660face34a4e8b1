import { formatAddress } from '../../../core/address.ts';
import type { Examination } from '../examination.ts';
import type { Probe } from '../probe.ts';
import { helloTarget } from '../target-hello.ts';
import type { Verdict } from '../verdict.ts';

/** Whether TLS to the target passes untouched: its certificate comes from a public authority, or from one of a company. */
export const tls: Probe = {
  name: 'TLS',
  doing: 'speaking TLS to the target',
  needs: 'tunnel',
  examine: async (exam, open) => {
    const { greeting, bytes } = exam.findings;
    // A server that speaks first does not speak TLS, and one that is not there even less.
    if (greeting !== undefined || bytes === 'nothing') return [];
    const first = await helloTarget(exam, open);
    if (first.kind !== 'secured') return [];
    exam.findings.speaksTls = true;
    const place = formatAddress(open);
    if (!first.failure) {
      const { issuer = '', validTo = '' } = first.certificate ?? {};
      const text = `to ${place} is untouched: issuer "${issuer}", a public authority`;
      return [{ name: tls.name, state: 'ok', text, facts: { issuer, validTo, isPublic: true } }];
    }
    const usual = await helloTarget(exam, open, 'usual');
    if (usual.kind === 'secured' && !usual.failure) {
      const { issuer = '', validTo = '' } = usual.certificate ?? {};
      return [describePrivate(exam, place, issuer, validTo, 'this machine trusts it all the same')];
    }
    const {
      message,
      facts: { untrusted, hints = [] },
    } = first.failure;
    if (!untrusted) {
      return [
        {
          name: tls.name,
          state: 'warning',
          text: `to ${place}: ${message}`,
          remedies: hints,
          facts: { isPublic: false },
        },
      ];
    }
    const any = await helloTarget(exam, open, 'any');
    const { issuer = '', validTo = '' } = (any.kind === 'secured' && any.certificate) || {};
    return [describePrivate(exam, place, issuer, validTo, 'nothing on this machine trusts it')];
  },
};

function describePrivate(exam: Examination, place: string, issuer: string, validTo: string, trust: string): Verdict {
  const isProxied = exam.options.hops.length > 0;
  if (isProxied) exam.findings.isIntercepted = true;
  const facts = { issuer, validTo, isPublic: false };
  const text = isProxied
    ? `to ${place} seems to be intercepted: issuer "${issuer}", not a public authority`
    : `to ${place}: issuer "${issuer}", not a public authority`;
  return {
    name: tls.name,
    state: 'warning',
    text,
    causes: [
      ...(isProxied
        ? ['a proxy that opens TLS reads everything; or the target has a certificate of its own making']
        : []),
      trust,
    ],
    remedies: ['to trust it: --cacert FILE, with the certificate of that authority'],
    facts,
  };
}
