import { formatAddress } from '../../../core/address.ts';
import type { Probe } from '../probe.ts';
import { besideVerdict, formatMs, spentVerdict, type Verdict } from '../verdict.ts';

/** With --probe: whether tunnels to other places open, which the user named. */
export const elsewhere: Probe = {
  name: 'probe',
  doing: 'asking for other targets',
  needs: 'nothing',
  examine: async (exam) => {
    const verdicts: Verdict[] = [];
    if (exam.findings.refusedAt !== undefined) return verdicts;
    for (const address of exam.options.elsewhere) {
      const { error, isSpent, steps } = await exam.ask(address);
      const place = formatAddress(address);
      if (isSpent) verdicts.push(spentVerdict(elsewhere.name, `${place} not asked`));
      else if (error) verdicts.push(besideVerdict(elsewhere.name, error));
      else {
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
