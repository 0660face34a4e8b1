import { formatAddress, type TcpAddress } from '../../../core/address.ts';
import { TunlError } from '../../../core/errors.ts';
import { recogniseWeb } from '../../../http/tunnel/web-answer.ts';
import { emptyError } from '../../tunnel/beginning.ts';
import { Conversation, type Heard } from '../conversation.ts';
import type { Examination } from '../examination.ts';
import type { Probe } from '../probe.ts';
import { helloTarget, type HelloResult } from '../target-hello.ts';
import { failureVerdict, formatMs, spentVerdict, type Verdict } from '../verdict.ts';

/** What an ssh client says first (RFC 4253, section 4.2). Few servers answer it with a crash, and no proxy takes it for TLS. */
const sshGreeting = 'SSH-2.0-tunl\r\n';

/** The time, in milliseconds, in which a target that speaks first does so, and in which an end says that there is none. */
const greetingMs = 1000;

/** Whether something answers in the tunnel, and whether bytes that are no TLS pass. */
export const bytes: Probe = {
  name: 'bytes',
  doing: 'sending bytes through the tunnel',
  needs: 'tunnel',
  examine: async (exam, open) => {
    const { link, isSpent } = open === exam.options.target ? await exam.visitTarget() : await exam.dial(open);
    if (!link) return isSpent ? [spentVerdict(bytes.name, 'not sent')] : [];
    const conversation = new Conversation(link);
    try {
      return [await talk(exam, conversation, open)];
    } finally {
      conversation.close();
    }
  },
};

async function talk(exam: Examination, conversation: Conversation, open: TcpAddress): Promise<Verdict> {
  const { findings, signal, patienceMs } = exam;
  const place = formatAddress(open);
  const first = await conversation.hear(Math.min(greetingMs, patienceMs), signal);
  if (first === 'ended' || first === 'reset') {
    findings.bytes = 'nothing';
    return failureVerdict(bytes.name, emptyError(place, first === 'reset' ? 'reset the tunnel' : 'ended'));
  }
  if (first === 'bytes') {
    const web = recogniseWeb(conversation.received);
    if (web) return describePortal(place, web.line);
    findings.greeting = conversation.firstLine;
    if (!findings.greeting.startsWith('SSH-')) {
      findings.bytes = 'pass';
      const text = `pass from ${place}, which greets with "${findings.greeting}"; nothing was sent to it`;
      return { name: bytes.name, state: 'ok', text, facts: { greeting: findings.greeting } };
    }
  }
  const sent = performance.now();
  conversation.send(sshGreeting);
  const answer = await conversation.hear(patienceMs, signal);
  const ms = performance.now() - sent;
  if (answer === 'bytes') return describeAnswer(exam, conversation, place);
  return describeNone(exam, place, { heard: answer, ms, hello: await helloTarget(exam, open) });
}

function describeAnswer({ findings }: Examination, conversation: Conversation, place: string): Verdict {
  findings.bytes = 'pass';
  const web = recogniseWeb(conversation.received);
  const how = findings.greeting
    ? `greets with "${findings.greeting}"`
    : web
      ? `answers in HTTP: "${web.line}"`
      : 'answers';
  return {
    name: bytes.name,
    state: 'ok',
    text: `pass, and ${place} ${how}`,
    ...(findings.greeting && { facts: { greeting: findings.greeting } }),
  };
}

/** What is known of bytes that got no answer. */
interface Unanswered {
  readonly heard: Exclude<Heard, 'bytes'>;
  readonly ms: number;
  /** What became of the first message of TLS. */
  readonly hello: HelloResult;
}

/** Tells who may have swallowed bytes, by what became of TLS in a tunnel of its own. */
function describeNone({ findings, options }: Examination, place: string, { heard, ms, hello }: Unanswered): Verdict {
  const facts = { heard, ms: Math.round(ms), hello: hello.kind };
  const cut = `an ssh greeting to ${place} was cut after ${formatMs(ms)}`;
  const tlsPasses = hello.kind === 'secured' || hello.kind === 'answered';
  if (heard === 'silence') {
    if (tlsPasses) {
      findings.bytes = 'unclear';
      return { name: bytes.name, state: 'ok', text: `${place} answers TLS, and nothing to other bytes`, facts };
    }
    findings.bytes = 'nothing';
    return {
      name: bytes.name,
      state: 'warning',
      text: `nothing came back from ${place}, neither to an ssh greeting nor to TLS`,
      causes: [
        options.hops.length > 0
          ? 'the target waits for another protocol, or the proxy answers 200 and never reaches it'
          : 'the target waits for another protocol',
      ],
      remedies: [`ask for a port of ${place.replace(/:\d+$/, '')} that is known to answer, such as that of ssh`],
      facts,
    };
  }
  // What closes after any bytes it does not know is more likely the target.
  if (!tlsPasses || options.hops.length === 0) {
    findings.bytes = 'unclear';
    const text = `${place} ends the tunnel after an ssh greeting${tlsPasses ? '' : ', and after TLS as well'}`;
    return { name: bytes.name, state: 'ok', text, causes: ['it expects another protocol'], facts };
  }
  findings.bytes = 'only-tls';
  // A server for TLS ends what is no TLS too, so that only one that speaks something else proves it.
  if (hello.kind === 'secured') {
    const text = `TLS passes to ${place}; ${cut}`;
    return {
      name: bytes.name,
      state: 'ok',
      text,
      causes: ['the target takes nothing but TLS, or the proxy does'],
      facts,
    };
  }
  const error = new TunlError('tunnel_truncated', `only TLS passes: ${cut}`, { side: 'hop', phase: 'relay' });
  return failureVerdict(bytes.name, error, { causes: ['the proxy inspects the first bytes of each tunnel'], facts });
}

function describePortal(place: string, line: string): Verdict {
  const message = `the tunnel to ${place} begins with what a web server says, and nothing was asked: "${line}"`;
  const error = new TunlError('http_protocol_error', message, { side: 'hop', phase: 'handshake' });
  return failureVerdict(bytes.name, error, {
    causes: ['a captive portal or a web server stands in the place of the proxy'],
    remedies: ['open any page in a browser, and log in there'],
  });
}
