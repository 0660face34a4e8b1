import { formatDuration } from '../../../core/deadline.ts';
import { Conversation } from '../conversation.ts';
import { openEcho } from '../echo.ts';
import type { Probe } from '../probe.ts';
import { formatAlive, formatMs, spentVerdict, type Verdict } from '../verdict.ts';

/** A second tunnel sends a byte each such part of the time. */
const beats = 20;

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
    // What ends a tunnel that carries bytes as well is no limit on silence.
    const busy = exam.findings.greeting === undefined ? await openEcho(exam, open) : undefined;
    const beating = busy && setInterval(() => busy.conversation.send('.'), idleMs / beats);
    try {
      const began = performance.now();
      const heard = await silent.hearEnd(idleMs, exam.signal);
      const ms = performance.now() - began;
      if (heard === 'silence') {
        const text = `a tunnel without a byte for ${formatDuration(idleMs)} is still open`;
        return [{ name: idle.name, state: 'ok', text, facts: { watchedMs: idleMs } }];
      }
      exam.findings.idleMs = ms;
      return [describeCut(ms, busy && !busy.conversation.isOver)];
    } finally {
      clearInterval(beating);
      silent.close();
      busy?.conversation.close();
    }
  },
};

/** @param isOnlySilence true if a tunnel that carried bytes is still open; undefined if there was none */
function describeCut(ms: number, isOnlySilence: boolean | undefined): Verdict {
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
    text: `a tunnel without a byte was cut after ${formatMs(ms)}`,
    causes,
    remedies: isOnlySilence === false ? [] : [`ssh ${formatAlive(ms)}`],
    facts: { cutMs: Math.round(ms), ...(isOnlySilence !== undefined && { isOnlySilence }) },
  };
}
