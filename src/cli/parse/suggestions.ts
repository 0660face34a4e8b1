import { suggest } from '../../syntax/suggest.ts';
import { listed } from '../../syntax/text.ts';
import type { OptionSpec } from './option.ts';

/** What stands for an option of another program: the first of our own that the command has, or a sentence. */
type Meaning = { readonly options: readonly string[] } | string;

const user =
  'write the user into the URL: -x http://USER@HOST:PORT; the password is asked for, or TUNL_PROXY_PASSWORD has it';
const port = 'the port is a part of the target: HOST:PORT';
const socks = 'the protocol is a part of the URL: -x socks5h://HOST:PORT';
const login = { options: ['proxy-auth'] };

/** Options that users of curl, ssh, nc and socat type, by their names; the case of a letter counts. */
const foreign: Readonly<Record<string, Meaning>> = {
  k: { options: ['insecure'] },
  'proxy-insecure': { options: ['insecure'] },
  U: user,
  'proxy-user': user,
  u: user,
  H: { options: ['proxy-header'] },
  E: { options: ['cert'] },
  f: { options: ['config', 'detach'] },
  background: { options: ['detach'] },
  daemon: { options: ['detach'] },
  s: { options: ['quiet'] },
  silent: { options: ['quiet'] },
  d: { options: ['verbose'] },
  debug: { options: ['verbose'] },
  p: port,
  port,
  P: port,
  socks,
  socks4: socks,
  socks5: socks,
  'socks5-hostname': socks,
  X: socks,
  m: { options: ['connect-timeout'] },
  'max-time': { options: ['connect-timeout'] },
  w: { options: ['connect-timeout'] },
  noproxy: 'the variable NO_PROXY names what is reached without a proxy; --direct means everything',
  'no-proxy': { options: ['direct'] },
  preproxy: 'repeat -x in travel order, the nearest proxy first',
  'proxy-anyauth': login,
  'proxy-basic': login,
  'proxy-digest': login,
  'proxy-negotiate': login,
  'proxy-ntlm': login,
  D: 'write socks:PORT: tunl forward socks:1080 -x http://HOST:PORT',
  L: 'write tunl forward PORT:HOST:HOSTPORT',
  N: 'leave it out: tunl opens tunnels and nothing else',
  R: 'tunl has no tunnels that begin at the far side',
  T: 'leave it out: tunl opens tunnels and nothing else',
  o: 'options of ssh go to ssh: ssh -o ProxyCommand="tunl connect -x http://HOST:PORT %h:%p" HOST',
  V: 'did you mean tunl --version?',
  version: 'did you mean tunl --version?',
};

/** The most options that a hint lists. */
const maxListed = 6;

/** Says in one line what was meant by an option that the command does not have; undefined if nothing is similar. */
export function suggestOption(name: string, options: readonly OptionSpec[]): string | undefined {
  const names = options.map((option) => option.name);
  const meaning = Object.hasOwn(foreign, name) ? foreign[name] : undefined;
  if (typeof meaning === 'string') return meaning;
  const near =
    meaning?.options.find((option) => names.includes(option)) ?? (name.length > 1 ? suggest(name, names) : undefined);
  if (near !== undefined) return `did you mean --${near}?`;
  // As in --timeout for one of several, or --header for the only one that ends with it.
  const longer =
    name.length < 3 ? [] : names.filter((known) => known.split('-').includes(name) || known.startsWith(name));
  if (longer.length === 0 || longer.length > maxListed) return undefined;
  return `did you mean ${listed(
    longer.map((known) => `--${known}`),
    'or',
  )}?`;
}

/** Command lines by what users of other programs would call them. */
const foreignCommands: Readonly<Record<string, string>> = {
  version: '--version',
  client: 'connect',
  dial: 'connect',
  nc: 'connect',
  ssh: 'connect',
  fwd: 'forward',
  tunnel: 'forward',
  socks: 'forward socks:1080',
  http: 'forward http:3128',
  proxy: 'serve',
  server: 'serve',
  listen: 'serve',
  run: 'chain -c FILE',
  doctor: 'check',
  test: 'check',
  probe: 'check',
  user: 'passwd',
  htpasswd: 'passwd',
  completions: 'completion',
  man: 'help',
};

/** Says in one line which command was meant by the first word of a command line; undefined if nothing is similar. */
export function suggestCommand(name: string, names: readonly string[]): string | undefined {
  const meant = guessCommand(name, names);
  return meant === undefined ? undefined : `did you mean tunl ${meant}?`;
}

function guessCommand(name: string, names: readonly string[]): string | undefined {
  if (names.includes(name)) return name;
  if (Object.hasOwn(foreignCommands, name)) return foreignCommands[name];
  const near = suggest(name, names);
  if (near !== undefined) return near;
  if (/^[\w./-]+\.ya?ml$/.test(name)) return `chain -c ${name}`;
  // A URL may hold a password, so it is not repeated.
  if (name.includes('://') || /^(?:-x|--proxy(?:=|$))/.test(name)) return 'connect -x URL HOST:PORT';
  if (/^(?:\[[\da-f:.]+\]|[\w.-]+):\d+$/i.test(name)) return `connect ${name}`;
  return /^(?:[\w.*-]*:)?\d*:[\w.-]+:\d+$/.test(name) ? `forward ${name}` : undefined;
}
