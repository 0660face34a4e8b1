import type { TunlError } from '../../../core/errors.ts';
import type { Visit } from '../examination.ts';
import { forEachHop, formatChoice, ofHop, type Probe } from '../probe.ts';
import { failureVerdict, formatMs, type Verdict } from '../verdict.ts';

/** Where each proxy comes from, its addresses, and how long it takes to connect to it. */
export const proxy: Probe = {
  name: 'proxy',
  doing: 'connecting to the proxy',
  needs: 'nothing',
  examine: async (exam) => {
    const { hops, source } = exam.options;
    if (hops.length === 0) return [{ name: proxy.name, state: 'ok', text: `none: ${source}` }];
    return forEachHop(exam, async (index, choice) => {
      const visit = await exam.visitHop(index);
      const from = index === 0 ? ` (${source})` : `, through hop ${index}`;
      return [describeHop(`${formatChoice(choice)}${from}`, index, visit)];
    });
  },
};

function describeHop(name: string, index: number, visit: Visit): Verdict {
  const { error, steps, notices } = visit;
  const own = ofHop(steps, index);
  const [dns, connect] = (['dns', 'connect'] as const).map((phase) => own.find((step) => step.phase === phase));
  const causes = notices.length > 0 ? { causes: notices } : {};
  if (error && isUnreached(error, index))
    return failureVerdict(proxy.name, error, { text: `${name}: ${error.message}`, ...causes });
  const addresses = dns?.detail.split(' ') ?? [];
  // Behind another proxy that one resolves the name, and connects.
  const reached = connect ? `, ${addresses.join(' and ')}, connected in ${formatMs(connect.ms)}` : '';
  return {
    name: proxy.name,
    state: 'ok',
    text: `${name}${reached}`,
    ...causes,
    facts: { ...(connect && { addresses, connectMs: Math.round(connect.ms), taken: connect.detail }) },
  };
}

/** True for a failure to find or reach this very hop, or to learn which one it is. */
function isUnreached({ facts, side, phase }: TunlError, index: number): boolean {
  if (facts.undecided === true) return true;
  const isOfHop = facts.hop?.index === index + 1 && side === 'hop';
  return isOfHop && (phase === 'dns' || phase === 'connect');
}
