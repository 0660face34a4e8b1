import { formatHopUrl } from '../../chain/read/hop-words.ts';
import { formatAddress } from '../../core/address.ts';
import { exitOf } from '../../core/errors.ts';
import type { Hop } from '../../core/hop.ts';
import type { CheckOptions } from './options.ts';
import type { Findings } from './examination.ts';
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
  const { bytes, greeting, halfClose, idleMs, speaksTls } = findings;
  const target = formatAddress(options.target);
  const route = formatRoute(options.hops);
  const tls = speaksTls ? ' --tls-target' : '';
  const command = `tunl connect${route}${tls} ${target}`;
  const doubt = {
    'only-tls': '; only TLS was seen to pass in it',
    nothing: '; nothing showed that the target is behind it',
    unclear: '',
    pass: '',
  }[bytes ?? 'unclear'];
  const isSsh = greeting?.startsWith('SSH-') ?? (options.target.port === sshPort && !speaksTls);
  const limits = [
    ...(halfClose === 'swallowed' ? ['the end of one half ends it'] : []),
    ...(idleMs === undefined ? [] : [`it ends after ${formatMs(idleMs)} of silence`]),
  ];
  const more = limits.length > 0 ? `, but ${limits.join(', and ')}` : '';
  const way = options.hops.length > 0 ? 'through this proxy' : 'without a proxy';
  const sentence = `a tunnel to ${target} opens ${way}${doubt}${more}`;
  return { sentence, commands: [isSsh ? formatSsh(options, route, idleMs) : command] };
}

const sshPort = 22;
const httpsPort = 443;

function concludeFailure(options: CheckOptions, stop: Verdict, { openPorts, bytes, refusedAt }: Findings): Ending {
  const target = formatAddress(options.target);
  const route = formatRoute(options.hops);
  const beyond = `tunl connect${route} -x https://YOUR-BOX:443 ${target}`;
  if (stop.name === 'bytes' && bytes === 'only-tls') {
    return {
      sentence: `${target} cannot be reached through this proxy, which passes nothing but TLS: a proxy of your own with TLS (tunl serve --tls) can stand in between`,
      commands: [beyond],
    };
  }
  if (stop.name === 'CONNECT' && openPorts.length > 0) {
    const ports = openPorts.join(' and ');
    return {
      sentence: `${target} cannot be reached through this proxy, which opens port ${ports} of that host: a proxy of your own on port ${openPorts[0]} (tunl serve --tls) can stand in between`,
      commands: [openPorts[0] === httpsPort ? beyond : beyond.replace(':443', `:${openPorts[0]}`)],
    };
  }
  if (refusedAt !== undefined) {
    const hop = options.hops[refusedAt]?.[0];
    const isAnonymous = hop !== undefined && !hop.credentials && !hop.chooser;
    return {
      sentence: `no tunnel opens before the proxy knows who you are`,
      commands: isAnonymous ? [`tunl connect${formatRoute(options.hops, refusedAt)} ${target}`] : [],
    };
  }
  const way = options.hops.length > 0 ? 'through this proxy' : 'without a proxy';
  return { sentence: `${target} cannot be reached ${way}: ${stop.error?.message ?? stop.text}`, commands: [] };
}

/**
 * Writes the proxies as options; none if they come from a variable, which the next command reads too.
 * @param anonymous the place of a proxy for which the reader fills in a user
 */
function formatRoute(hops: CheckOptions['hops'], anonymous?: number): string {
  const isNamed = hops.some((choice) => choice.some(({ variable }) => variable === undefined));
  if (!isNamed && anonymous === undefined) return '';
  const format = (index: number) => (hop: Hop) =>
    index === anonymous ? formatHopUrl(hop).replace('://', '://USER@') : formatHopUrl(hop);
  return hops.map((choice, index) => ` -x ${quoteWord(choice.map(format(index)).join('|'))}`).join('');
}

function formatSsh({ target }: CheckOptions, route: string, idleMs: number | undefined): string {
  const alive = idleMs === undefined ? '' : ` ${formatAlive(idleMs)}`;
  const port = target.port === sshPort ? '' : ` -p ${target.port}`;
  return `ssh${alive} -o ProxyCommand=${quoteWord(`tunl connect${route} %h:%p`)}${port} ${target.host}`;
}

/** Quotes a word for a shell of POSIX, if it needs it. */
function quoteWord(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
