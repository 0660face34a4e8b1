import { formatDuration } from '../../../core/deadline.ts';
import { fieldValues } from '../../../http/wire/message.ts';
import { forEachHop, ofHop, type Probe } from '../probe.ts';

/** Kerberos allows clocks to differ by five minutes (RFC 4120, section 8.2). */
const maxSkewMs = 5 * 60_000;

/** How far our clock is from that of each proxy. It says nothing if a proxy does not tell the time. */
export const clock: Probe = {
  name: 'clock',
  doing: 'reading the clock of the proxy',
  needs: 'nothing',
  examine: (exam) =>
    forEachHop(exam, async (index, _choice, prefix) => {
      const { answers } = await exam.visitHop(index);
      const dates = ofHop(answers, index).flatMap(({ headers }) => fieldValues(headers, 'date'));
      const told = Date.parse(dates.at(-1) ?? '');
      if (Number.isNaN(told)) return [];
      const skewMs = Date.now() - told;
      const facts = { skewMs };
      // The field has whole seconds, and the answer took a while.
      if (Math.abs(skewMs) <= maxSkewMs) return [{ name: clock.name, state: 'ok', text: `${prefix}as ours`, facts }];
      const by = formatDuration(Math.round(Math.abs(skewMs) / 60_000) * 60_000);
      return [
        {
          name: clock.name,
          state: 'warning',
          text: `${prefix}ours is ${by} ${skewMs > 0 ? 'ahead of' : 'behind'} the proxy's: Kerberos fails beyond 5m, and certificates may seem expired`,
          remedies: ['set the clock of this machine, if that is the wrong one'],
          facts,
        },
      ];
    }),
};
