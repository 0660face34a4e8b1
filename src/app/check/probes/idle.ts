import { formatDuration } from '../../../core/deadline.ts';
import { Conversation } from '../conversation.ts';
import { openEcho } from '../echo.ts';
import type { Cut } from '../examination.ts';
import { resuming } from '../own-proxy.ts';
import type { Probe } from '../probe.ts';
import { formatAlive, formatMs, spentVerdict, type Verdict } from '../verdict.ts';

/** A second tunnel sends a byte so often, in milliseconds: no proxy takes that for silence. */
const beatMs = 250;

/** A tunnel is still watched for such a part of the time after which another was cut: proxies look at limits in steps. */
const stepPart = 1 / 20;

/** With --idle: after how much silence a tunnel is cut. */
export const idle: Probe = {
  name: 'idle',
  doing: 'watching a silent tunnel',
  needs: 'tunnel',
  examine: async (exam, open) => {
    const { idleMs } = exam.options;
    if (idleMs === 0) return [{ name: idle.name, state: 'unknown', text: 'not measured (--idle 10m)' }];
    const { link, isSpent } = await exam.dial(open);
    if (!link) return isSpent ? [spentVerdict(idle.name, 'not measured')] : [];
    const silent = new Conversation(link);
    const began = performance.now();
    // What ends a tunnel that carries bytes as well is no limit on silence.
    const busy = exam.findings.greeting === undefined ? await openEcho(exam, open) : undefined;
    const leadMs = performance.now() - began;
    const beating = busy && setInterval(() => busy.conversation.send('.'), beatMs);
    try {
      const heard = await silent.hearEnd(Math.max(1, idleMs - leadMs), exam.signal);
      const afterMs = performance.now() - began;
      if (heard === 'silence') {
        const text = `a tunnel without a byte for ${formatDuration(idleMs)} is still open`;
        return [{ name: idle.name, state: 'ok', text, facts: { watchedMs: idleMs } }];
      }
      // The busy one is younger.
      await busy?.conversation.hearEnd(leadMs + afterMs * stepPart + exam.patienceMs, exam.signal);
      exam.findings.cut = { afterMs, isOnlySilence: busy && !busy.conversation.isOver };
      return [describeCut(exam.findings.cut, exam.options.hops.length > 0)];
    } finally {
      clearInterval(beating);
      silent.close();
      busy?.conversation.close();
    }
  },
};

function describeCut({ afterMs, isOnlySilence }: Cut, isProxied: boolean): Verdict {
  const causes =
    isOnlySilence === true
      ? ['a tunnel that carried bytes was not cut: it is a limit on silence']
      : [
          isOnlySilence === false
            ? 'a tunnel that carried bytes was cut too: it is a limit on the time of any tunnel, or the target ended both'
            : 'the proxy cut it, or the target did: sshd waits two minutes for a login, for example',
        ];
  return {
    name: idle.name,
    state: 'warning',
    text: `a tunnel without a byte was cut after ${formatMs(afterMs)}`,
    causes,
    remedies: [
      ...(isOnlySilence === false ? [] : [`ssh ${formatAlive(afterMs)}`]),
      ...(isProxied ? [`tunnels of ${resuming.serve} behind it go on when they are cut: -x '${resuming.url}'`] : []),
    ],
    facts: { cutMs: Math.round(afterMs), ...(isOnlySilence !== undefined && { isOnlySilence }) },
  };
}
