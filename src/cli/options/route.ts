import type { ForwardSpec, HopChoice, RouteOptions } from '../../app/options.ts';
import { usageError } from '../../core/errors.ts';
import type { EventSink } from '../../core/events.ts';
import type { Arguments } from '../arguments.ts';
import type { CommandContext, OptionGroup, OptionSpec } from '../command.ts';
import { createReport } from '../report.ts';
import { splitAlternatives } from '../../words/hop.ts';
import { quote } from '../../words/text.ts';
import type { TlsWords } from '../../words/tls.ts';
import type { PasswordSources } from './credentials.ts';
import { decideProxy, type EnvironmentProxy } from './environment.ts';
import { parseHeader } from '../../words/header.ts';
import { fillPasswords, parseHops } from './hops.ts';
import { tlsOptions } from './tls.ts';

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
  { name: 'direct', summary: 'go through no proxy, whatever the environment says' },
  {
    name: 'proxy-header',
    value: "'NAME: VALUE'",
    repeat: 'list',
    summary: 'send this header to each proxy; repeatable',
  },
  {
    name: 'password-file',
    value: 'FILE',
    summary: 'the first line is the password of a user that a proxy has none for',
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

/** Where a tunnel leads to. */
type Target = ForwardSpec['target'];

/** What the words and the environment say about the way to the targets. */
export interface RouteWords extends Omit<RouteOptions, 'limits'> {
  /** Targets that are reached without any hop, whatever `hops` says. */
  readonly direct: ReadonlySet<Target>;
}

/**
 * Reads hops and address family, and finds the passwords of hops, if need be by asking for them.
 * Without -x and --direct the environment decides for each of the targets; a proxy that does not
 * know its targets yet has none here, and takes nothing from the environment.
 * @throws {TunlError} usage; interrupted, when a signal came instead of a password
 */
export async function readRoute(
  args: Arguments,
  { io, ui }: CommandContext,
  tls: TlsWords,
  targets: readonly Target[],
): Promise<RouteWords> {
  const urls = args.list('proxy');
  if (args.has('direct') && urls.length > 0) throw usageError('--direct and -x contradict each other');
  const headers = args.list('proxy-header').map((text) => parseHeader(text, '--proxy-header'));
  const rest = { retries: readRetries(args), ...readFamily(args) };
  const emit = createReport(ui, 'connect');
  const ask: PasswordSources['ask'] = async (question) => {
    const { createAsk } = await import('../ask.ts');
    return createAsk({ env: io.env, askpassStderr: ui.voice.form === 'json' ? 'ignore' : 'inherit' })(question);
  };
  const sources: PasswordSources = { env: io.env, file: args.text('password-file'), ask, emit };
  const parse = (texts: readonly string[], source: string, variable?: string) => {
    return fillPasswords(
      parseHops(texts, { source, tls, headers, ...(variable !== undefined && { variable }) }),
      sources,
    );
  };
  if (urls.length > 0) {
    const choices = urls.map((text) => splitAlternatives(text, '-x'));
    const parsed = await parse(choices.flat(), '-x');
    return { hops: choices.map(({ length }) => parsed.splice(0, length)), direct: new Set(), ...rest };
  }
  const { proxy, direct } = args.has('direct') ? { direct: targets } : await askEnvironment(io.env, targets, emit);
  const hops: HopChoice[] = proxy === undefined ? [] : [await parse([proxy.url], proxy.variable, proxy.variable)];
  return { hops, direct: new Set(direct), ...rest };
}

/** The proxy that the environment names for some of the targets, and the targets that need none. */
async function askEnvironment(
  env: PasswordSources['env'],
  targets: readonly Target[],
  emit: EventSink,
): Promise<{ readonly proxy?: EnvironmentProxy; readonly direct: readonly Target[] }> {
  const said = new Set<string>();
  const direct: Target[] = [];
  let proxy: EnvironmentProxy | undefined;
  for (const target of targets) {
    if (target.kind === 'unix') {
      direct.push(target);
      continue;
    }
    const decision = decideProxy(env, target);
    for (const message of [...decision.ignored, decision.reason]) said.add(message);
    if (decision.proxy === undefined) direct.push(target);
    else ({ proxy } = decision);
  }
  for (const message of said) emit({ event: 'notice', level: 'verbose', message });
  return { direct, ...(proxy !== undefined && { proxy }) };
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
