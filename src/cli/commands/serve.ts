import type { ServeOptions } from '../../app/commands/options.ts';
import { carriers } from '../../carriers/index.ts';
import type { ServerDemand } from '../../core/carrier.ts';
import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, CommandSpec, OptionGroup } from '../parse/command.ts';
import { asText, flag, list, option } from '../parse/option.ts';
import { adminGroup, readAdmin, withAdmin } from '../options/admin.ts';
import { capGroup, graceOption, limitGroup, readCaps, readLimits } from '../options/limits.ts';
import { parseListen, refuseDuplicates } from '../../syntax/listen.ts';
import { checkPassword, readPasswordFile } from '../../syntax/password-file.ts';
import { exportOption, isShown, printOption, showGraph } from '../options/print.ts';
import { Readiness, readinessOptions } from '../options/readiness.ts';
import { readKeyPassword, readRoute, serverRouteGroup } from '../options/route.ts';
import { readTlsConfig, tlsOptions } from '../options/tls.ts';
import { outputGroup } from '../options/output.ts';
import { readWatch, watchOption } from '../options/watch.ts';
import { runUntilStopped } from '../lifecycle/running.ts';
import { hasControl, quote } from '../../syntax/text.ts';

/** The switches of `serve` that the carriers declare. */
const carrierSwitches = carriers.flatMap(({ serveFlag, serveSwitches = [] }) => [
  ...(serveFlag ? [serveFlag] : []),
  ...serveSwitches,
]);

const carrierOptions = carrierSwitches.map(({ name, summary }) => flag(name, { summary }));

const carrierGroup: OptionGroup = {
  title: 'What it accepts beside CONNECT, or instead of it',
  options: carrierOptions,
};

const proxyProtocolOption = option('proxy-protocol', parseVersion, {
  value: 'VERSION',
  summary: 'tell each target who its client is, before the first byte, in the PROXY protocol: v1 or v2',
  completes: ['v1', 'v2'],
});

const tlsOption = flag('tls', {
  summary: 'speak TLS with clients; without --cert with a development certificate, whose pin is printed',
});

const certOption = option('cert', asText, {
  value: 'FILE',
  summary: 'certificate of the server, a PEM file, or PKCS #12 with its key',
  completes: 'file',
});

const keyOption = option('key', asText, {
  value: 'FILE',
  summary: 'its key, a PEM file; default: the file of --cert',
  completes: 'file',
});

const keyPasswordOption = tlsOptions['key-password-file'];

const clientCaOption = option('client-ca', asText, {
  value: 'FILE',
  summary: 'only clients with a certificate of these authorities',
  completes: 'file',
});

const tlsGroup: OptionGroup = {
  title: 'TLS of the server',
  options: [tlsOption, certOption, keyOption, keyPasswordOption, clientCaOption],
};

const authFileOption = option('auth-file', asText, {
  value: 'FILE',
  summary: 'users and passwords, an htpasswd file (bcrypt, apr1, SHA)',
  completes: 'file',
});

const userOption = option('user', asText, {
  value: 'NAME',
  summary: 'one user, whose password is in TUNL_SERVE_PASSWORD',
});

const userPasswordOption = option('user-password-file', asText, {
  value: 'FILE',
  summary: 'or is the first line of this file',
  completes: 'file',
});

const openOption = flag('open', { summary: 'let everyone use it, also on an address that is not loopback' });

const allowOption = list('allow', asText, {
  value: 'RULE',
  summary: 'allow these targets and no others: PATTERN[:PORTS]; repeatable',
});

const denyOption = list('deny', asText, {
  value: 'RULE',
  summary: 'deny these targets, whatever --allow says; repeatable',
});

const whoGroup: OptionGroup = {
  title: 'Who may use it, and to go where',
  options: [authFileOption, userOption, userPasswordOption, openOption, allowOption, denyOption],
};

/** `tunl serve`: runs a tunnelling proxy. */
export const serve: CommandSpec = {
  name: 'serve',
  forms: ['[ADDRESS...]'],
  summary: 'be a tunnelling proxy; default address 127.0.0.1:3128',
  examples: [
    { what: 'for this machine', line: 'tunl serve' },
    {
      what: 'for others, with a user and a few targets',
      line: "tunl serve 0.0.0.0:3128 --user alice --allow '*.example.com:443,22'",
    },
    { what: 'over TLS', line: 'tunl serve 0.0.0.0:443 --tls --cert server.pem --key server.key --auth-file users' },
  ],
  groups: [
    {
      title: 'Running',
      options: [printOption, exportOption, ...readinessOptions, graceOption, watchOption, proxyProtocolOption],
    },
    adminGroup,
    carrierGroup,
    tlsGroup,
    whoGroup,
    serverRouteGroup,
    capGroup,
    limitGroup('serve'),
    outputGroup,
  ],
  outlivesDefects: true,
  run,
};

async function run(args: Arguments, { io, ui }: CommandContext): Promise<number> {
  const words = [...args.operands, ...(args.rest ?? [])];
  const own = carriers.find(
    ({ server, serveFlag }) => server && serveFlag && args.get(flag(serveFlag.name, serveFlag)),
  )?.server;
  const listen = (words.length > 0 ? words : [`127.0.0.1:${own?.defaultPort ?? 3128}`]).map(parseListen);
  const { admin, adminOpen } = withAdmin({ routes: new Map(), stages: [] }, readAdmin(args));
  refuseDuplicates(admin ? [...listen, admin] : listen);
  const { cert: _ofServer, key: _too, 'key-password-file': _itsPassword, ...hopTls } = readTlsConfig(args);
  const graceMs = args.get(graceOption);
  const watch = readWatch(args);
  const options: ServeOptions = {
    limits: readLimits(args, 'serve'),
    listen,
    ...(admin && { admin }),
    ...(adminOpen && { adminOpen }),
    ...readServerTls(args, { io, ui }, own),
    users: readUsers(args, io.env),
    accept: carrierOptions.filter((each) => args.get(each)).map(({ name }) => name),
    allow: args.get(allowOption),
    deny: args.get(denyOption),
    open: args.get(openOption),
    ...readCaps(args),
    ...readProxyProtocol(args),
    ...(await readRoute(args, { io, ui }, hopTls, [])),
  };
  const { startServe, toServeGraph } = await import('../../app/commands/serve.ts');
  if (isShown(args)) return showGraph(args, ui, toServeGraph(options));
  const readiness = new Readiness(args);
  const onHangup = { done: 'certificates, keys and users were read again' };
  return runUntilStopped({ io, ui, style: 'serve', graceMs, watch, readiness, onHangup }, (runtime) =>
    startServe(options, runtime),
  );
}

/** Reads the TLS settings of the server, if the options or the carrier ask for TLS. */
function readServerTls(
  args: Arguments,
  context: CommandContext,
  own: ServerDemand | undefined,
): Pick<ServeOptions, 'tls'> {
  const [cert, clientCa] = [args.get(certOption), args.get(clientCaOption)];
  const key = args.get(keyOption) ?? cert;
  if (!own && !args.get(tlsOption)) {
    const given = [certOption, keyOption, keyPasswordOption, clientCaOption].find((each) => args.isGiven(each));
    if (given === undefined) return {};
    throw usageError(
      `--${given.name} needs --tls`,
      'a certificate for a further proxy is set in its URL: -x https://proxy?cert=FILE',
    );
  }
  const keyPasswordFile = args.get(keyPasswordOption);
  for (const each of [keyOption, keyPasswordOption])
    if (cert === undefined && args.isGiven(each)) throw usageError(`--${each.name} needs --cert`);
  return {
    tls: {
      ...(cert !== undefined && key !== undefined && { cert, key, keyPassword: readKeyPassword(args, context) }),
      ...(keyPasswordFile !== undefined && { keyPasswordFile }),
      ...(clientCa !== undefined && { clientCa }),
    },
  };
}

function readProxyProtocol(args: Arguments): Pick<ServeOptions, 'proxyProtocol'> {
  const proxyProtocol = args.get(proxyProtocolOption);
  return proxyProtocol ? { proxyProtocol } : {};
}

function parseVersion(text: string, name: string): 'v1' | 'v2' {
  if (text === 'v1' || text === 'v2') return text;
  throw usageError(`${name} ${quote(text)} is neither v1 nor v2`);
}

function readUsers(args: Arguments, env: Readonly<Record<string, string | undefined>>): ServeOptions['users'] {
  const [authFile, user, passwordFile] = [args.get(authFileOption), args.get(userOption), args.get(userPasswordOption)];
  if (user === undefined) {
    if (passwordFile !== undefined) throw usageError('--user-password-file needs --user');
    return authFile === undefined ? {} : { authFile };
  }
  if (authFile !== undefined)
    throw usageError('--auth-file and --user contradict each other', 'add the user to the file');
  if (user.includes(':') || hasControl(user))
    throw usageError('the name in --user holds a colon, which Basic cannot carry');
  const fromEnv = env['TUNL_SERVE_PASSWORD'];
  if (passwordFile === undefined && fromEnv === undefined) {
    throw usageError('--user has no password', 'set TUNL_SERVE_PASSWORD, or give a file with --user-password-file');
  }
  const password =
    passwordFile === undefined ? checkPassword(fromEnv ?? '', 'TUNL_SERVE_PASSWORD') : readPasswordFile(passwordFile);
  return { single: { user, password: password.reveal() } };
}
