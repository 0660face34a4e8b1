import { formatAddress } from '../../../core/address.ts';
import { resetError } from '../../../core/link.ts';
import type { Probe } from '../probe.ts';
import { failureVerdict, formatMs, spentVerdict, type Verdict } from '../verdict.ts';

/** With --probe: whether tunnels to other places open, which the user named. */
export const elsewhere: Probe = {
  name: 'probe',
  doing: 'asking for other targets',
  needs: 'nothing',
  examine: async (exam) => {
    const verdicts: Verdict[] = [];
    if (exam.findings.refusedAt !== undefined) return verdicts;
    for (const address of exam.options.elsewhere) {
      const { link, error, isSpent, steps } = await exam.dial(address);
      const place = formatAddress(address);
      link?.reset(resetError('only the answer was wanted'));
      if (isSpent) verdicts.push(spentVerdict(elsewhere.name, `${place} not asked`));
      else if (error) {
        const { error: _elsewhere, ...refused } = failureVerdict(elsewhere.name, error);
        verdicts.push(refused);
      } else {
        const ms = steps.at(-1)?.ms ?? 0;
        verdicts.push({
          name: elsewhere.name,
          state: 'ok',
          text: `${place} open in ${formatMs(ms)}`,
          facts: { target: place },
        });
      }
    }
    return verdicts;
  },
};
