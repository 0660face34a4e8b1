import type { ServeOptions } from '../../app/options.ts';
import { carriers } from '../../carriers/index.ts';
import type { ServerDemand } from '../../core/carrier.ts';
import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../arguments.ts';
import type { CommandContext, CommandSpec, OptionGroup } from '../command.ts';
import type { OptionSpec } from '../option.ts';
import { adminGroup, readAdmin, withAdmin } from '../options/admin.ts';
import { capGroup, graceOption, limitGroup, readCaps, readGrace, readLimits } from '../options/limits.ts';
import { parseListen, refuseDuplicates } from '../../words/listen.ts';
import { checkPassword, readPasswordFile } from '../../words/password-file.ts';
import { exportOption, isShown, printOption, showGraph } from '../options/print.ts';
import { Readiness, readinessOptions } from '../options/readiness.ts';
import { readKeyPassword, readRoute, serverRouteGroup } from '../options/route.ts';
import { readTlsWords, tlsOptions } from '../options/tls.ts';
import { voiceGroup } from '../options/voice.ts';
import { readWatch, watchOption } from '../options/watch.ts';
import { runUntilStopped } from '../running.ts';
import { hasControl, quote } from '../../words/text.ts';

/** What the carriers want to be told of a server. */
const carrierSwitches = carriers.flatMap(({ serveFlag, serveSwitches = [] }) => [
  ...(serveFlag ? [serveFlag] : []),
  ...serveSwitches,
]);

const carrierGroup: OptionGroup = {
  title: 'What it accepts beside CONNECT, or instead of it',
  options: carrierSwitches,
};

const proxyProtocolOption: OptionSpec = {
  name: 'proxy-protocol',
  value: 'VERSION',
  summary: 'tell each target who its client is, before the first byte, in the PROXY protocol: v1 or v2',
  completes: ['v1', 'v2'],
};

const tlsGroup: OptionGroup = {
  title: 'TLS of the server',
  options: [
    {
      name: 'tls',
      summary: 'speak TLS with clients; without --cert with a development certificate, whose pin is printed',
    },
    {
      name: 'cert',
      value: 'FILE',
      summary: 'certificate of the server, a PEM file, or PKCS #12 with its key',
      completes: 'file',
    },
    { name: 'key', value: 'FILE', summary: 'its key, a PEM file; default: the file of --cert', completes: 'file' },
    tlsOptions['key-password-file'],
    {
      name: 'client-ca',
      value: 'FILE',
      summary: 'only clients with a certificate of these authorities',
      completes: 'file',
    },
  ],
};

const whoGroup: OptionGroup = {
  title: 'Who may use it, and to go where',
  options: [
    {
      name: 'auth-file',
      value: 'FILE',
      summary: 'users and passwords, an htpasswd file (bcrypt, apr1, SHA)',
      completes: 'file',
    },
    { name: 'user', value: 'NAME', summary: 'one user, whose password is in TUNL_SERVE_PASSWORD' },
    { name: 'user-password-file', value: 'FILE', summary: 'or is the first line of this file', completes: 'file' },
    { name: 'open', summary: 'let everyone use it, also on an address that is not loopback' },
    {
      name: 'allow',
      value: 'RULE',
      repeat: 'list',
      summary: 'allow these targets and no others: PATTERN[:PORTS]; repeatable',
    },
    { name: 'deny', value: 'RULE', repeat: 'list', summary: 'deny these targets, whatever --allow says; repeatable' },
  ],
};

/** `tunl serve`: a tunnelling proxy. */
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
    voiceGroup,
  ],
  outlivesDefects: true,
  run,
};

async function run(args: Arguments, { io, ui }: CommandContext): Promise<number> {
  const words = [...args.operands, ...(args.rest ?? [])];
  const own = carriers.find(({ server, serveFlag }) => server && serveFlag && args.has(serveFlag.name))?.server;
  const listen = (words.length > 0 ? words : [`127.0.0.1:${own?.defaultPort ?? 3128}`]).map(parseListen);
  const { admin, adminOpen } = withAdmin({ routes: new Map(), stages: [] }, readAdmin(args));
  refuseDuplicates(admin ? [...listen, admin] : listen);
  const { cert: _ofServer, key: _too, 'key-password-file': _itsPassword, ...hopTls } = readTlsWords(args);
  const graceMs = readGrace(args);
  const watch = readWatch(args);
  const options: ServeOptions = {
    limits: readLimits(args, 'serve'),
    listen,
    ...(admin && { admin }),
    ...(adminOpen && { adminOpen }),
    ...readServerTls(args, { io, ui }, own),
    users: readUsers(args, io.env),
    accept: carrierSwitches.map(({ name }) => name).filter((name) => args.has(name)),
    allow: args.list('allow'),
    deny: args.list('deny'),
    open: args.has('open'),
    ...readCaps(args),
    ...readProxyProtocol(args),
    ...(await readRoute(args, { io, ui }, hopTls, [])),
  };
  const { startServe, toServeGraph } = await import('../../app/serve.ts');
  if (isShown(args)) return showGraph(args, ui, toServeGraph(options));
  const readiness = new Readiness(args);
  const onHangup = { done: 'certificates, keys and users were read again' };
  return runUntilStopped({ io, ui, style: 'serve', graceMs, watch, readiness, onHangup }, (runtime) =>
    startServe(options, runtime),
  );
}

/** What a server speaks TLS with, where anything says that it does. */
function readServerTls(
  args: Arguments,
  context: CommandContext,
  own: ServerDemand | undefined,
): Pick<ServeOptions, 'tls'> {
  const [cert, clientCa] = [args.text('cert'), args.text('client-ca')];
  const key = args.text('key') ?? cert;
  if (!own && !args.has('tls')) {
    const given = ['cert', 'key', 'key-password-file', 'client-ca'].find((name) => args.text(name) !== undefined);
    if (given === undefined) return {};
    throw usageError(
      `--${given} needs --tls`,
      'a certificate for a further proxy is set in its URL: -x https://proxy?cert=FILE',
    );
  }
  const keyPasswordFile = args.text('key-password-file');
  for (const name of ['key', 'key-password-file'])
    if (cert === undefined && args.text(name) !== undefined) throw usageError(`--${name} needs --cert`);
  return {
    tls: {
      ...(cert !== undefined && key !== undefined && { cert, key, keyPassword: readKeyPassword(args, context) }),
      ...(keyPasswordFile !== undefined && { keyPasswordFile }),
      ...(clientCa !== undefined && { clientCa }),
    },
  };
}

function readProxyProtocol(args: Arguments): Pick<ServeOptions, 'proxyProtocol'> {
  const version = args.text('proxy-protocol');
  if (version === undefined) return {};
  if (version === 'v1' || version === 'v2') return { proxyProtocol: version };
  throw usageError(`--proxy-protocol ${quote(version)} is neither v1 nor v2`);
}

function readUsers(args: Arguments, env: Readonly<Record<string, string | undefined>>): ServeOptions['users'] {
  const [authFile, user, passwordFile] = [args.text('auth-file'), args.text('user'), args.text('user-password-file')];
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
