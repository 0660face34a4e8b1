import type { DraftWay } from '../../app/commands/config.ts';
import type { HopChoice, RouteOptions } from '../../app/commands/options.ts';
import { authName } from '../../auth/allowed.ts';
import { parseAuth, schemeNames } from '../../auth/settings.ts';
import { usageError } from '../../core/errors.ts';
import { type FindLogin, halfCloses, type TlsSettings } from '../../core/hop.ts';
import type { KeyPassword } from '../../core/secret.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, OptionGroup } from '../parse/command.ts';
import { asText, flag, list, option } from '../parse/option.ts';
import { readSettings, settingOptions } from '../parse/setting.ts';
import { createReport } from '../terminal/report.ts';
import { halfCloseName, type HopFallbacks, parseHalfClose, splitAlternatives } from '../../syntax/hop.ts';
import { familySetting, resolverSetting, retrySetting } from '../../syntax/stage-settings.ts';
import { parseTls, type TlsConfig } from '../../syntax/tls.ts';
import type { PasswordSources } from './credentials.ts';
import { parseHeaders } from '../../syntax/header.ts';
import { fillPasswords, parseHops } from './hops.ts';
import { readLimits } from './limits.ts';
import { printOption } from './print.ts';
import { createKeyPassword, tlsOptions } from './tls.ts';
import { noConfigOption } from './ways/config.ts';
import { passwordCommandOption } from './ways/password-command.ts';
import type { Wanted } from './ways/wanted.ts';
import { decideWays } from './ways/ways.ts';

const familyOption = (version: (typeof familySetting.values)[number]) =>
  flag(`ipv${version}`, {
    short: String(version),
    summary: familySetting.summary.replace('this version of IP', `IPv${version}`),
  });

/** The option that restricts addresses to IPv4. */
export const ipv4Option = familyOption(4);
/** The option that restricts addresses to IPv6. */
export const ipv6Option = familyOption(6);

const addressOptions = [ipv4Option, ipv6Option, ...settingOptions([resolverSetting])];

const namingProxies = (names: string) =>
  list('proxy', asText, {
    short: 'x',
    value: 'URL',
    summary: `go through this proxy; repeat it in travel order, the nearest first; a|b tries a, then b${names}`,
    completes: 'proxy',
  });

/** The option that names the proxies on the way. */
export const proxyOption = namingProxies('; @NAME is one of the configuration');

/** The same in a command that reads no configuration. */
export const furtherProxyOption = namingProxies('');

/** The option that forbids proxies. */
export const directOption = flag('direct', {
  summary: 'go through no proxy, whatever else names one',
});

const retryOptions = settingOptions([retrySetting]);

const headerOption = list('proxy-header', (text, name) => parseHeaders(text, name), {
  value: "'NAME: VALUE'",
  summary: 'send this header to each proxy; @FILE: those of a file, one a line; repeatable',
});

const halfCloseOption = option(halfCloseName, parseHalfClose, {
  value: 'WHEN',
  summary: 'when a proxy is told that we send nothing more: now, wait or never (once the target has ended)',
  completes: halfCloses,
});

const passwordFileOption = option('password-file', asText, {
  value: 'FILE',
  summary: 'the first line is the password of a user that a proxy has none for',
  completes: 'file',
});

const authOption = option(`proxy-${authName}`, parseAuth, {
  value: 'LIST',
  summary: `how to prove to each proxy who we are: auto, or a list of ${schemeNames.join(', ')}`,
  completes: ['auto', ...schemeNames],
});

const askOptions = [authOption, headerOption, halfCloseOption, passwordFileOption, passwordCommandOption];

const furtherOptions = [...retryOptions, directOption, ...askOptions];

/** The options that set the route to the targets, including TLS to the proxies. */
export const routeGroup: OptionGroup = {
  title: 'Proxies (each may set its own in its URL: ?cacert=FILE&pin=PIN)',
  options: [proxyOption, ...furtherOptions, noConfigOption, ...Object.values(tlsOptions), ...addressOptions],
};

/** The same for `chain`, whose operands are the proxies. */
export const chainRouteGroup: OptionGroup = {
  title: 'Proxies among the NODEs (each may set its own in its URL: ?cacert=FILE&pin=PIN)',
  options: [...retryOptions, ...askOptions, ...Object.values(tlsOptions), ...addressOptions],
};

/** The same for `serve`, where --cert and --key are those of the server. */
export const serverRouteGroup: OptionGroup = {
  title: 'Further proxies (each may set its own in its URL: ?cert=FILE&key=FILE)',
  options: [
    furtherProxyOption,
    ...furtherOptions,
    tlsOptions.cacert,
    tlsOptions.servername,
    tlsOptions.pin,
    tlsOptions.insecure,
    tlsOptions['no-system-ca'],
    tlsOptions.alpn,
    ...addressOptions,
  ],
};

/** The options for reading a PAC file and for the names that it asks for. */
export const pacGroup: OptionGroup = {
  title: 'Reading the file',
  options: [
    tlsOptions.cacert,
    tlsOptions.servername,
    tlsOptions.pin,
    tlsOptions.insecure,
    tlsOptions['no-system-ca'],
    ...addressOptions,
  ],
};

/** The route to the targets, as the command line, the configuration and the environment define it. */
export interface RouteConfig extends Omit<RouteOptions, 'limits'> {
  /** The hops to each of the targets; those to the first are `hops`. Equal ways are the same object. */
  readonly ways: readonly (readonly HopChoice[])[];
  /** Where each of them comes from, in a phrase. */
  readonly sources: readonly string[];
}

/**
 * Reads the hops and the address family, and finds the passwords of hops, asking the user if necessary. Without -x and
 * --direct the configuration and the environment select the proxies for each target. `doubts` is the level at which invalid entries of NO_PROXY are reported.
 * @throws {TunlError} usage; interrupted, if a signal comes instead of a password
 */
export async function readRoute(
  args: Arguments,
  context: CommandContext,
  tls: TlsConfig,
  targets: readonly Wanted[],
  doubts: 'warning' | 'verbose' = 'warning',
): Promise<RouteConfig> {
  const urls = args.get(proxyOption);
  const isDirect = args.get(directOption);
  if (isDirect && urls.length > 0) throw usageError('--direct and -x contradict each other');
  const rest = readRest(args);
  const fallbacks = { tls, ...readTunnelRequestOptions(args) };
  const decided = await decideWays(targets, { urls, isDirect, fallbacks, doubts }, args, context);
  const different = [...new Set(decided.map(({ way }) => way))];
  const read = await finishWays(different, args, context);
  const ways = decided.map(({ way }) => read[different.indexOf(way)] ?? []);
  return { hops: ways[0] ?? [], ways, sources: decided.map(({ source }) => source), ...rest };
}

/** Reads the options that apply to the whole route. @throws {TunlError} usage */
export function readRest(args: Arguments): Pick<RouteOptions, 'retries' | 'family' | 'resolver'> {
  return { retries: 0, ...readSettings(args, [retrySetting, resolverSetting]), ...readFamily(args) };
}

/** Reads --proxy-header, --proxy-auth and --half-close, which apply to each hop. @throws {TunlError} usage */
export function readTunnelRequestOptions(args: Arguments): Pick<HopFallbacks, 'headers' | 'halfClose' | 'settings'> {
  const [halfClose, auth] = [args.get(halfCloseOption), args.get(authOption)];
  return {
    headers: args.get(headerOption).flat(),
    ...(halfClose !== undefined && { halfClose }),
    ...(auth !== undefined && { settings: { [authName]: auth } }),
  };
}

/** URLs of hops, and the settings of those that have none of their own. */
interface HopTexts extends HopFallbacks {
  readonly texts: readonly string[];
}

/**
 * Reads hops in travel order; each text may contain alternatives.
 * @throws {TunlError} usage; interrupted, if a signal comes instead of a password
 */
export async function readChoices(args: Arguments, context: CommandContext, words: HopTexts): Promise<HopChoice[]> {
  const { texts, ...fallbacks } = words;
  const drafts = texts.map((text) => parseHops(splitAlternatives(text, words.source), fallbacks));
  const [way = []] = await finishWays([drafts], args, context);
  return [...way];
}

/** Finds the passwords of all hops on some ways, in travel order. */
async function finishWays(ways: readonly DraftWay[], args: Arguments, context: CommandContext): Promise<HopChoice[][]> {
  const sources = {
    ...makeSources(args, context),
    file: args.get(passwordFileOption),
    command: args.get(passwordCommandOption),
  };
  const hops = await fillPasswords(ways.flat(2), sources);
  const keyPassword = readKeyPassword(args, context);
  const finished = hops.map((hop) => ({
    ...hop,
    ...(hop.tls.cert !== undefined && { tls: { keyPassword, ...hop.tls } }),
    ...(hop.chooser && { chooser: { ...hop.chooser, findLogin: createFindLogin(sources) } }),
  }));
  return ways.map((way) => way.map(({ length }) => finished.splice(0, length)));
}

/** Makes the source of passwords for the proxies that a chooser names. It is loaded once there is such a proxy. */
function createFindLogin(sources: PasswordSources): FindLogin {
  return async (host) => {
    const { findLogin } = await import('./credentials.ts');
    return findLogin(host, sources);
  };
}

/** The answers of the user, so that what is read again later asks nothing twice. */
const answers = new WeakMap<Arguments, Map<string, Promise<string | undefined>>>();

/** The command lines that ask nobody any more. */
const silent = new WeakSet<Arguments>();

/**
 * Ends the questions of a command line. What is read again later knows the answers that were given; a new question would
 * stop a job in the background, or stand in the middle of what the terminal shows.
 */
export function endQuestions(args: Arguments): void {
  silent.add(args);
}

function makeSources(args: Arguments, context: CommandContext): Omit<PasswordSources, 'file' | 'command'> {
  const { io, ui } = context;
  const options = { env: io.env, askpassStderr: ui.output.form === 'json' ? 'ignore' : 'inherit' } as const;
  // --print shows the name of a variable in place of the password.
  const isShown = args.get(printOption);
  const given = answers.get(args) ?? new Map<string, Promise<string | undefined>>();
  answers.set(args, given);
  const askUser: PasswordSources['ask'] = async (question) => {
    if (io.background) return io.background.ask(question);
    return (await import('../process/ask.ts')).createAsk(options)(question);
  };
  const ask: PasswordSources['ask'] = async (question) => {
    if (isShown) return 'not asked for';
    const known = given.get(question);
    if (known || silent.has(args)) return known;
    const answer = askUser(question);
    given.set(question, answer);
    answer.catch(() => given.delete(question));
    return answer;
  };
  const runCommand: PasswordSources['runCommand'] = async (command) => {
    if (isShown) return 'not asked for';
    const limitMs = readLimits(args, 'forward').handshakeMs;
    const answer = io.background?.runForSecret(command, limitMs);
    if (answer) return answer;
    const { runPasswordCommand } = await import('../process/run-secret.ts');
    return runPasswordCommand(command, options, limitMs);
  };
  return { env: io.env, ask, runCommand, emit: createReport(ui, 'connect') };
}

/** One source for each command line, so that the user is asked about each key once. */
const keyPasswords = new WeakMap<Arguments, KeyPassword>();

/** Returns the source of passwords for keys without a password file. */
export function readKeyPassword(args: Arguments, context: CommandContext): KeyPassword {
  const found = keyPasswords.get(args) ?? createKeyPassword(makeSources(args, context));
  keyPasswords.set(args, found);
  return found;
}

/**
 * Reads the settings of TLS to the target, inside the tunnel.
 * @throws {TunlError} usage
 */
export function readTargetTls(args: Arguments, context: CommandContext, words: TlsConfig): TlsSettings {
  // --servername and --alpn are about the proxy. The target is verified as HOST, and its protocol is not ours to choose.
  const { servername: _ofProxy, alpn: _too, ...settings } = parseTls(words, 'the command line');
  return { ...settings, keyPassword: readKeyPassword(args, context) };
}

function readFamily(args: Arguments): Pick<RouteOptions, 'family'> {
  const [ipv4, ipv6] = [args.get(ipv4Option), args.get(ipv6Option)];
  if (ipv4 && ipv6) throw usageError('-4 and -6 contradict each other');
  return ipv4 ? { family: 4 } : ipv6 ? { family: 6 } : {};
}
