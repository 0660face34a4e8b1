import type { RouteOptions } from '../../app/options.ts';
import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../arguments.ts';
import type { OptionGroup, OptionSpec } from '../command.ts';
import { quote } from '../text.ts';
import { parseHeader } from './header.ts';
import { tlsOptions, type TlsWords } from './tls.ts';

const familyOptions: readonly OptionSpec[] = [
  { name: 'ipv4', short: '4', summary: 'use IPv4 only' },
  { name: 'ipv6', short: '6', summary: 'use IPv6 only' },
];

const proxyOptions: readonly OptionSpec[] = [
  {
    name: 'proxy',
    short: 'x',
    value: 'URL',
    repeat: 'list',
    summary: 'go through this proxy; repeat it in travel order, the nearest first; a|b tries a, then b',
    completes: 'proxy',
  },
  {
    name: 'retry',
    value: 'N',
    summary: 'dial again up to N times, waiting longer each time, before anything was relayed',
  },
  { name: 'direct', summary: 'go through no proxy' },
  {
    name: 'proxy-header',
    value: "'NAME: VALUE'",
    repeat: 'list',
    summary: 'send this header to each proxy; repeatable',
  },
  {
    name: 'password-file',
    value: 'FILE',
    summary: 'the first line is the password of the user in -x',
    completes: 'file',
  },
];

/** The options that say how targets are reached, TLS to the proxies included. */
export const routeGroup: OptionGroup = {
  title: 'Proxies (each may set its own in its URL: ?cacert=FILE&pin=PIN)',
  options: [...proxyOptions, ...Object.values(tlsOptions), ...familyOptions],
};

/** The same for `serve`, where --cert and --key are those of the server. */
export const serverRouteGroup: OptionGroup = {
  title: 'Further proxies (each may set its own in its URL: ?cert=FILE&key=FILE)',
  options: [
    ...proxyOptions,
    tlsOptions.cacert,
    tlsOptions.servername,
    tlsOptions.pin,
    tlsOptions.insecure,
    ...familyOptions,
  ],
};

/**
 * Reads hops and address family. The passwords of hops come from the environment or a file.
 * @throws {TunlError} usage
 */
export async function readRoute(
  args: Arguments,
  env: Readonly<Record<string, string | undefined>>,
  tls: TlsWords,
): Promise<Omit<RouteOptions, 'limits'>> {
  const urls = args.list('proxy');
  if (args.has('direct') && urls.length > 0) throw usageError('--direct and -x contradict each other');
  const headers = args.list('proxy-header').map((text) => parseHeader(text, '--proxy-header'));
  const { parseHops } = await import('./hops.ts');
  const choices = urls.map(splitAlternatives);
  const parsed = parseHops(choices.flat(), { tls, headers }, { env, file: args.text('password-file') });
  const hops = choices.map(({ length }) => parsed.splice(0, length));
  return { hops, retries: readRetries(args), ...readFamily(args) };
}

/** `a|b` in one `-x`. Split before anything is parsed: a `|` of a password is written %7C. */
function splitAlternatives(text: string): string[] {
  const alternatives = text.split('|').map((url) => url.trim());
  if (alternatives.includes('')) throw usageError('-x has an empty alternative beside |');
  return alternatives;
}

function readRetries(args: Arguments): number {
  const text = args.text('retry') ?? '0';
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw usageError(`--retry ${quote(text)} is not a number of retries`);
}

function readFamily(args: Arguments): Pick<RouteOptions, 'family'> {
  if (args.has('ipv4') && args.has('ipv6')) throw usageError('-4 and -6 contradict each other');
  return args.has('ipv4') ? { family: 4 } : args.has('ipv6') ? { family: 6 } : {};
}
