import { findScheme } from '../../../carriers/index.ts';
import { formatAddress, type TcpAddress } from '../../../core/address.ts';
import type { DialStep } from '../../../core/dialer.ts';
import type { TunlError } from '../../../core/errors.ts';
import { formatPlace } from '../../../core/hop.ts';
import { isKept } from '../../../http/tunnel/half-close.ts';
import type { Examination, Visit } from '../examination.ts';
import { toWebSocketScheme } from '../own-proxy.ts';
import type { Probe } from '../probe.ts';
import { besideVerdict, failureVerdict, formatMs, spentVerdict, type Verdict } from '../verdict.ts';

/** The ports that proxies open, if any: those of https and of ssh. */
const usualPorts = [443, 22] as const;

/** Whether a tunnel to the target opens; if not, whether one to another port of the same host does. */
export const connect: Probe = {
  name: 'CONNECT',
  doing: 'opening a tunnel to the target',
  needs: 'nothing',
  examine: async (exam) => {
    const { target, hops } = exam.options;
    const { error, isSpent, ...visit } = await exam.visitTarget();
    if (isSpent) return [spentVerdict(connect.name, 'not asked')];
    if (!error) {
      const { headers = [] } = visit.answers.findLast(({ hop }) => hop === hops.length) ?? {};
      exam.findings.isOurs = isKept(headers);
      exam.findings.open = target;
      exam.findings.openPorts.push(target.port);
      exam.findings.openMs = lastStep(visit, hops.length > 0)?.ms ?? 0;
      return [describeOpen(visit, hops.length > 0)];
    }
    const refused = failureVerdict(connect.name, error, { remedies: adviseOtherMethod(exam, error) });
    return [refused, ...(hops.length > 0 && isAboutTarget(exam, error.facts.received) ? await tryPorts(exam) : [])];
  },
};

type Opened = Pick<Visit, 'address' | 'steps' | 'doubts'>;

/** The step that opened a tunnel: the answer of the last hop, or the connection to the target. */
function lastStep({ steps }: Opened, isProxied: boolean): DialStep | undefined {
  return steps.findLast(({ phase }) => phase === (isProxied ? 'handshake' : 'connect'));
}

function describeOpen(visit: Opened, isProxied: boolean): Verdict {
  const { address, doubts } = visit;
  const last = lastStep(visit, isProxied);
  const took = last ? ` in ${formatMs(last.ms)}` : '';
  return {
    name: connect.name,
    state: doubts.length > 0 ? 'warning' : 'ok',
    text: `${formatAddress(address)} open${took}`,
    ...(doubts.length > 0 && { causes: doubts }),
    facts: { target: formatAddress(address), ...(last && { ms: Math.round(last.ms) }) },
  };
}

/** The statuses of a server that does not know CONNECT, or does not allow it. */
const unknownMethod: ReadonlySet<number | undefined> = new Set([404, 405, 501]);

/** Names the protocols that web servers pass on, for one that stands in front of a proxy and refuses CONNECT. */
function adviseOtherMethod({ options: { hops } }: Examination, { facts: { received, hop: at } }: TunlError): string[] {
  const [hop] = hops.at(-1) ?? [];
  if (!hop || hop.chooser || at?.index !== hops.length || !unknownMethod.has(received)) return [];
  const { protocol, methods = [] } = findScheme(hop.scheme)?.carrier ?? {};
  if (protocol === 'socks' || methods.some((method) => method !== 'CONNECT')) return [];
  return [`if it passes requests on to a tunl serve --ws: ${toWebSocketScheme(hop)}://${formatPlace(hop.address)}`];
}

/** True if the proxy answered the request, and another port may fare better. */
function isAboutTarget({ findings }: Examination, status: number | undefined): boolean {
  return findings.refusedAt === undefined && status !== undefined && status !== 407 && status !== 401;
}

/** Asks for the usual ports of the host. */
async function tryPorts(exam: Examination): Promise<Verdict[]> {
  const { target } = exam.options;
  const verdicts: Verdict[] = [];
  for (const port of usualPorts) {
    if (port === target.port) continue;
    const other: TcpAddress = { ...target, port };
    const { error, isSpent, ...visit } = await exam.ask(other);
    if (isSpent) break;
    if (!error) {
      exam.findings.open ??= other;
      exam.findings.openMs ??= lastStep(visit, true)?.ms ?? 0;
      exam.findings.openPorts.push(port);
      verdicts.push(describeOpen(visit, true));
    } else verdicts.push(besideVerdict(connect.name, error));
  }
  return verdicts;
}
