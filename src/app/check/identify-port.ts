import { formatPlace, securedScheme } from '../../core/hop.ts';
import { TunlError } from '../../core/errors.ts';
import { findScheme } from '../../carriers/index.ts';
import type { TcpAddress } from '../../core/address.ts';
import { Conversation } from './conversation.ts';
import type { Examination } from './examination.ts';
import { shakeHands } from './target-hello.ts';
import type { Verdict } from './verdict.ts';

/** The time, in milliseconds, in which a server that speaks first does so. */
const greetingMs = 300;

/** A greeting of SOCKS 5 that offers to go without authentication, and the version in its answer (RFC 1928, section 3). */
const [socksGreeting, socksVersion] = [Buffer.of(5, 1, 0), 5];

/** The scheme for such proxies, which resolve the name of the target. */
const socksScheme = 'socks5h';

/**
 * Finds out what a port speaks that gave no answer in HTTP: a server that speaks first, SOCKS, or TLS. Nothing but the first
 * bytes of these protocols is sent.
 */
export async function identifyPort(exam: Examination, index: number): Promise<Pick<Verdict, 'causes' | 'remedies'>> {
  const hop = exam.options.hops[index]?.[0];
  if (hop?.address.kind !== 'tcp') return {};
  const { address, scheme } = hop;
  const place = formatPlace(address);
  const found = await askSocks(exam, index, address);
  if (found.kind === 'greeting') {
    const isSsh = found.text.startsWith('SSH-');
    const what = isSsh ? 'an ssh server' : 'a server that speaks first';
    return {
      causes: [`${place} is ${what}, and no proxy: it greets with "${found.text}"`],
      remedies: isSsh ? [`ssh reaches it without a proxy: ssh -p ${address.port} ${address.host}`] : [],
    };
  }
  if (found.kind === 'socks') {
    const remedy = findScheme(socksScheme) ? `${socksScheme}://${place}` : 'ask for the port of its HTTP proxy';
    return { causes: [`${place} is a SOCKS proxy`], remedies: [remedy] };
  }
  const secured = securedScheme(scheme);
  if (secured !== undefined && (await speaksTls(exam, index, address)))
    return { causes: [`${place} speaks TLS`], remedies: [`${secured}://${place}`] };
  return {};
}

/** What a port says before it is asked, or to the greeting of SOCKS. */
type FirstWords = { readonly kind: 'greeting'; readonly text: string } | { readonly kind: 'socks' | 'neither' };

/** Sends the greeting of SOCKS, unless the server speaks first. */
async function askSocks(exam: Examination, index: number, address: TcpAddress): Promise<FirstWords> {
  const { link } = await exam.dialHop(index, address);
  if (!link) return { kind: 'neither' };
  const conversation = new Conversation(link);
  try {
    const first = await conversation.hear(greetingMs, exam.signal);
    if (first === 'bytes') return { kind: 'greeting', text: conversation.firstLine };
    conversation.send(socksGreeting);
    await conversation.hear(exam.patienceMs, exam.signal);
    const { received } = conversation;
    return { kind: received.length === 2 && received[0] === socksVersion ? 'socks' : 'neither' };
  } finally {
    conversation.close();
  }
}

async function speaksTls(exam: Examination, index: number, address: TcpAddress): Promise<boolean> {
  const { link } = await exam.dialHop(index, address);
  if (!link) return false;
  const limit = AbortSignal.any([exam.signal, AbortSignal.timeout(exam.patienceMs)]);
  try {
    // No certificate is judged: that is done once the user has chosen TLS.
    await shakeHands(link, address, { insecure: true }, limit);
    return true;
  } catch (error) {
    if (exam.signal.aborted) throw error;
    // It wants a certificate of ours, or a name: that is TLS all the same.
    return error instanceof TunlError && error.code === 'tls_alert_received';
  }
}
