import { type Echo, openEcho } from '../echo.ts';
import type { Examination } from '../examination.ts';
import { overTls } from '../own-proxy.ts';
import type { Probe } from '../probe.ts';
import { formatMs, type Verdict } from '../verdict.ts';

/** So many bytes that our end arrives before a proxy has passed on the last of them, and fewer than fit into buffers. */
const payload = Buffer.alloc(200_000, 'the rest of what was said ');

/** How often the end of our half must be harmless before it is believed to be: a proxy may lose nothing by luck. */
const tries = 3;

/** An echo that takes longer, in milliseconds, and much longer than the tunnel took, was held back. */
const heldMs = 300;
const heldTimes = 5;

/** With --deep: whether answers are held back, and whether a tunnel survives the end of one half. */
export const halfClose: Probe = {
  name: 'half-close',
  doing: 'ending one half of a tunnel',
  needs: 'tunnel',
  examine: async (exam, open) => {
    if (!exam.options.deep) return [];
    const { greeting } = exam.findings;
    const unknown: Verdict = {
      name: halfClose.name,
      state: 'unknown',
      text: 'not measured: the target does not send back what it gets',
      remedies: ['name a target that echoes, such as socat TCP-LISTEN:7,fork EXEC:cat'],
    };
    if (greeting !== undefined) return [unknown];
    const times: number[] = [];
    let isKept = true;
    for (let index = 0; index < tries && isKept; index++) {
      const echo = await openEcho(exam, open);
      if (!echo) return index === 0 ? [unknown] : [describeBuffering(exam, times)];
      times.push(echo.ms);
      isKept = await survivesEnd(exam, echo);
    }
    exam.findings.halfClose = isKept ? 'kept' : 'swallowed';
    return [describeBuffering(exam, times), isKept ? kept : swallowed(exam)];
  },
};

async function survivesEnd(exam: Examination, { conversation }: Echo): Promise<boolean> {
  const before = conversation.size;
  try {
    await conversation.end(payload, exam.patienceMs, exam.signal);
    const whole = before + payload.length;
    while (conversation.size < whole && (await conversation.hear(exam.patienceMs, exam.signal)) === 'bytes');
    return conversation.size >= whole;
  } finally {
    conversation.close();
  }
}

function describeBuffering(exam: Examination, times: readonly number[]): Verdict {
  const ms = Math.min(...times);
  const { openMs = 0 } = exam.findings;
  const facts = { ms: Math.round(ms) };
  if (ms <= heldMs || ms <= heldTimes * openMs)
    return { name: 'buffering', state: 'ok', text: `none: an echo took ${formatMs(ms)}`, facts };
  return {
    name: 'buffering',
    state: 'warning',
    text: `answers are held back: an echo of 12 bytes took ${formatMs(ms)}, opening the tunnel ${formatMs(openMs)}`,
    causes: ['the proxy collects bytes before it passes them on'],
    facts,
  };
}

const kept: Verdict = {
  name: 'half-close',
  state: 'ok',
  text: 'kept: an answer arrives whole after our end',
  facts: { isKept: true },
};

function swallowed(exam: Examination): Verdict {
  const own = overTls(443);
  const isProxied = exam.options.hops.length > 0;
  return {
    name: halfClose.name,
    state: 'warning',
    text: 'the end of our half ends the tunnel: the rest of an answer is lost',
    causes: [
      isProxied ? 'the proxy takes it for the end of both halves, as squid and many others do' : 'the target does',
    ],
    remedies: [
      'tunl waits two seconds for answers before it tells the proxy; --half-close never waits for the target',
      ...(isProxied ? [`${own.serve} behind it keeps the halves apart: -x ${own.url}`] : []),
    ],
    facts: { isKept: false },
  };
}
