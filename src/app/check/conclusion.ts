import { formatHopUrl } from '../../chain/read/hop-words.ts';
import { formatAddress } from '../../core/address.ts';
import { exitOf } from '../../core/errors.ts';
import type { Hop } from '../../core/hop.ts';
import type { CheckOptions } from './options.ts';
import type { Findings } from './examination.ts';
import { inEveryMode, type OwnProxy, overTls, resumeOption, resuming, withResume } from './own-proxy.ts';
import { formatAlive, formatMs, type Verdict } from './verdict.ts';

/** The end of a report: what works, in a sentence, and the commands to type. */
export interface Conclusion {
  readonly works: boolean;
  readonly sentence: string;
  readonly commands: readonly string[];
  /** The exit status of the first failure that stops a tunnel; 0 if none does. */
  readonly exit: number;
}

/** Draws the conclusion from everything that was found. */
export function conclude(options: CheckOptions, verdicts: readonly Verdict[], findings: Findings): Conclusion {
  const stop = verdicts.find(({ error }) => error);
  const exit = stop?.error ? exitOf(stop.error) : 0;
  if (stop) return { works: false, exit, ...concludeFailure(options, stop, findings) };
  return { works: true, exit, ...concludeSuccess(options, findings) };
}

type Ending = Pick<Conclusion, 'sentence' | 'commands'>;

function concludeSuccess(options: CheckOptions, findings: Findings): Ending {
  const { bytes, greeting, halfClose, cut, speaksTls } = findings;
  const target = formatAddress(options.target);
  const route = formatRoute(options.hops);
  const tls = speaksTls ? ' --tls-target' : '';
  const doubt = {
    'only-tls': '; only TLS was seen to pass in it',
    nothing: '; nothing showed that the target is behind it',
    unclear: '',
    pass: '',
  }[bytes ?? 'unclear'];
  const isSsh = greeting?.startsWith('SSH-') ?? (options.target.port === sshPort && !speaksTls);
  const limits = [
    ...(halfClose === 'swallowed' ? ['the end of one half ends it'] : []),
    ...(cut ? [`it ends after ${formatMs(cut.afterMs)}${cut.isOnlySilence === false ? '' : ' of silence'}`] : []),
  ];
  const more = limits.length > 0 ? `, but ${limits.join(', and ')}` : '';
  const way = options.hops.length > 0 ? 'through this proxy' : 'without a proxy';
  const lasting = cut && findLasting(options.hops, findings);
  const sentence = `a tunnel to ${target} opens ${way}${doubt}${more}${lasting ? `; ${lasting.how}` : ''}`;
  const write = (by: string) => (isSsh ? formatSsh(options, by, cut) : `tunl connect${by}${tls} ${target}`);
  return { sentence, commands: [write(route), ...(lasting ? [write(lasting.route)] : [])] };
}

/** A way whose tunnels outlive the connections that are cut, and what it takes. */
interface Lasting {
  readonly route: string;
  readonly how: string;
}

/** Finds such a way: the last proxy itself, if it is a tunl, or one of the user's own behind it. */
function findLasting(hops: CheckOptions['hops'], { isOurs }: Findings): Lasting | undefined {
  const last = hops.at(-1);
  if (!last) return undefined;
  const resumed = isOurs ? last.flatMap((hop) => withResume(hop) ?? []) : [];
  if (resumed.length > 0 && resumed.length === last.length) {
    const route = formatRoute([...hops.slice(0, -1), resumed], { isWhole: true });
    return { route, how: `it goes on after that if the proxy runs with ${resumeOption}` };
  }
  const route = `${formatRoute(hops, { isWhole: true })} -x ${quoteWord(resuming.url)}`;
  return { route, how: `through a proxy of your own behind it (${resuming.serve}) it goes on after that` };
}

const sshPort = 22;
const httpsPort = 443;

function concludeFailure(options: CheckOptions, stop: Verdict, findings: Findings): Ending {
  const { openPorts, bytes, refusedAt, isIntercepted } = findings;
  const target = formatAddress(options.target);
  const route = formatRoute(options.hops, { isWhole: true });
  const writeBeyond = ({ url }: OwnProxy) => [`tunl connect${route} -x ${url} ${target}`];
  if (stop.name === 'bytes' && bytes === 'only-tls') {
    const own = overTls(httpsPort);
    return {
      sentence: `${target} cannot be reached through this proxy, which passes nothing but TLS: a proxy of your own with TLS (${own.serve}) can stand in between`,
      commands: writeBeyond(own),
    };
  }
  const [openPort] = openPorts;
  if (stop.name === 'CONNECT' && openPort !== undefined) {
    const own = isIntercepted ? inEveryMode(openPort) : overTls(openPort);
    const opened = isIntercepted ? ', and is asked in each way that what opens TLS there may pass on' : '';
    return {
      sentence: `${target} cannot be reached through this proxy, which opens port ${openPorts.join(' and ')} of that host: a proxy of your own on port ${openPort} (${own.serve}) can stand in between${opened}`,
      commands: writeBeyond(own),
    };
  }
  if (refusedAt !== undefined) {
    const hop = options.hops[refusedAt]?.[0];
    const isAnonymous = hop !== undefined && !hop.credentials && !hop.chooser;
    return {
      sentence: `no tunnel opens before the proxy knows who you are`,
      commands: isAnonymous ? [`tunl connect${formatRoute(options.hops, { anonymous: refusedAt })} ${target}`] : [],
    };
  }
  const way = options.hops.length > 0 ? 'through this proxy' : 'without a proxy';
  return { sentence: `${target} cannot be reached ${way}: ${stop.error?.message ?? stop.text}`, commands: [] };
}

/** How proxies are written as options. */
interface RouteForm {
  /** The place of a proxy for which the reader fills in a user. */
  readonly anonymous?: number;
  /** True if they are written even where they come from a variable: an option replaces the variable. */
  readonly isWhole?: boolean;
}

/** Writes the proxies as options; none if they come from a variable, which the next command reads too. */
function formatRoute(
  hops: CheckOptions['hops'],
  { anonymous, isWhole = anonymous !== undefined }: RouteForm = {},
): string {
  const isNamed = hops.some((choice) => choice.some(({ variable }) => variable === undefined));
  if (!isNamed && !isWhole) return '';
  const format = (index: number) => (hop: Hop) =>
    index === anonymous ? formatHopUrl(hop).replace('://', '://USER@') : formatHopUrl(hop);
  return hops.map((choice, index) => ` -x ${quoteWord(choice.map(format(index)).join('|'))}`).join('');
}

function formatSsh({ target }: CheckOptions, route: string, cut: Findings['cut']): string {
  const alive = cut && cut.isOnlySilence !== false ? ` ${formatAlive(cut.afterMs)}` : '';
  const port = target.port === sshPort ? '' : ` -p ${target.port}`;
  return `ssh${alive} -o ProxyCommand=${quoteWord(`tunl connect${route} %h:%p`)}${port} ${target.host}`;
}

/** Quotes a word for a shell of POSIX, if it needs it. */
function quoteWord(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
