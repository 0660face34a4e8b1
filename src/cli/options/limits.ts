import type { Limits } from '../../app/options.ts';
import type { Arguments } from '../arguments.ts';
import type { OptionGroup } from '../command.ts';
import { parseDuration, parseWait } from '../../words/duration.ts';

const graceFallback = '10s';

interface LimitSpec {
  readonly name: string;
  readonly key: keyof Limits;
  readonly summary: string;
  readonly fallback: string;
}

/** Defaults that differ from command to command. */
export interface LimitFallbacks {
  readonly linger: string;
  readonly idle: string;
}

const listLimits = ({ linger, idle }: LimitFallbacks): readonly LimitSpec[] => [
  { name: 'dns-timeout', key: 'dnsMs', summary: 'limit for resolving a name', fallback: '5s' },
  { name: 'connect-timeout', key: 'connectMs', summary: 'limit for the TCP connection', fallback: '10s' },
  { name: 'tls-timeout', key: 'tlsMs', summary: 'limit for each TLS handshake', fallback: '10s' },
  { name: 'handshake-timeout', key: 'handshakeMs', summary: "limit for each proxy's answer", fallback: '15s' },
  { name: 'idle-timeout', key: 'idleMs', summary: 'end a tunnel that moves nothing for so long', fallback: idle },
  {
    name: 'linger',
    key: 'lingerMs',
    summary: 'wait so long without progress once one direction has ended',
    fallback: linger,
  },
  {
    name: 'half-close-wait',
    key: 'halfCloseWaitMs',
    summary: 'tell a proxy that may end both directions that ours has ended once nothing has moved for so long',
    fallback: '2s',
  },
];

/** The options that set the limits of the phases. */
export function limitGroup(fallbacks: LimitFallbacks): OptionGroup {
  const options = listLimits(fallbacks).map(({ name, summary, fallback }) => ({
    name,
    value: 'TIME',
    summary,
    fallback,
  }));
  return { title: 'Limits (250ms, 5s, 1h; 0 or off: none)', options };
}

/** @throws {TunlError} usage */
export function readLimits(args: Arguments, fallbacks: LimitFallbacks): Limits {
  const read = ({ name, key, fallback }: LimitSpec) => [key, parseDuration(args.text(name) ?? fallback, `--${name}`)];
  return Object.fromEntries(listLimits(fallbacks).map(read)) as unknown as Limits;
}

/** The options of commands that run until they are stopped. */
export const graceOption = {
  name: 'grace',
  value: 'TIME',
  summary: 'let open tunnels finish for so long after the first signal; 0: cut them, off: wait',
  fallback: graceFallback,
} as const;

/** Milliseconds that a drain may take. @throws {TunlError} usage */
export function readGrace(args: Arguments): number {
  return parseWait(args.text('grace') ?? graceFallback, '--grace');
}
