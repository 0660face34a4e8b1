import type { ServeOptions } from '../../app/commands/options.ts';
import { carriers, carrierSwitches } from '../../carriers/index.ts';
import type { ServerDemand } from '../../core/carrier.ts';
import { usageError } from '../../core/errors.ts';
import { agentVariable } from '../../core/spiffe.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, CommandSpec, OptionGroup } from '../parse/command.ts';
import { flag } from '../parse/option.ts';
import { readSettings, settingOptions } from '../parse/setting.ts';
import { adminGroup, readAdmin, withAdmin } from '../options/admin.ts';
import { capGroup, graceOption, limitGroup, readCaps, readLimits } from '../options/limits.ts';
import { parseBareListen } from '../options/access/fronts.ts';
import { parseSocket, refuseDuplicates } from '../../syntax/listen.ts';
import { exportOption, isShown, printOption, showGraph } from '../options/print.ts';
import { hookOptions, readHooks } from '../lifecycle/hook-options.ts';
import { Readiness, readinessOptions } from '../options/readiness.ts';
import { furtherProxyOption, readKeyPassword, serverRouteGroup } from '../options/route.ts';
import { readFurtherRoute } from '../options/ways/further.ts';
import { readTlsConfig, tlsOptions } from '../options/tls.ts';
import { readUsers, userOptions } from '../options/access/users.ts';
import { outputGroup } from '../options/output.ts';
import { readWatch, watchFilesOption, watchOption } from '../options/watch.ts';
import { detachOption, detachOptions } from '../lifecycle/detachment.ts';
import { runUntilStopped } from '../lifecycle/running.ts';
import { plainSwitch, proxySettings, ruleSettings } from '../../syntax/stage-settings.ts';
import { listenerTlsSettings } from '../../syntax/listener/tls.ts';

const carrierOptions = carrierSwitches.map(({ name, summary }) => flag(name, { summary }));

const noPlainOption = flag(`no-${plainSwitch.name}`, { summary: plainSwitch.summary });

const tlsOption = flag('tls', {
  summary: 'speak TLS with clients; without --cert with a development certificate, whose pin is printed',
});

const keyPasswordOption = tlsOptions['key-password-file'];

/** The options that need `--tls`; the password is told of right behind its key. */
const tlsFileOptions = settingOptions(listenerTlsSettings).flatMap((each) =>
  each.name === 'key' ? [each, keyPasswordOption] : [each],
);

const tlsGroup: OptionGroup = {
  title: 'TLS of the server',
  options: [tlsOption, ...tlsFileOptions],
};

/** The options of a proxy that the help lists in one group. */
const listed = (group: (typeof proxySettings)[number]['listed']) =>
  settingOptions(proxySettings.filter((setting) => setting.listed === group));

const carrierGroup: OptionGroup = {
  title: 'What it accepts beside CONNECT, or instead of it',
  options: [...carrierOptions, ...listed('accepts'), noPlainOption],
};

const whoGroup: OptionGroup = {
  title: 'Who may use it, and to go where',
  options: [...userOptions, ...listed('who'), ...settingOptions(ruleSettings)],
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
  common: [
    ...whoGroup.options,
    tlsOption,
    ...tlsFileOptions.filter(({ name }) => name === 'cert' || name === 'key'),
    furtherProxyOption,
    ...adminGroup.options,
    detachOption,
  ],
  groups: [
    {
      title: 'Running',
      options: [
        printOption,
        exportOption,
        ...detachOptions,
        ...readinessOptions,
        ...hookOptions,
        graceOption,
        watchOption,
        watchFilesOption,
        ...listed('running'),
      ],
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
  const words = args.operands;
  const own = carriers.find(
    ({ server, serveFlag }) => server && serveFlag && args.get(flag(serveFlag.name, serveFlag)),
  )?.server;
  const listen = (words.length > 0 ? words : [`127.0.0.1:${own?.defaultPort ?? 3128}`]).map(parseBareListen);
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
    accept: [
      ...carrierOptions.filter((each) => args.get(each)).map(({ name }) => name),
      ...(own || args.get(noPlainOption) ? [] : [plainSwitch.name]),
    ],
    allow: [],
    deny: [],
    ...readSettings(args, ruleSettings),
    ...readSettings(args, proxySettings),
    ...readCaps(args),
    ...(await readFurtherRoute(args, { io, ui }, hopTls)),
  };
  const { startServe, toServeGraph } = await import('../../app/commands/serve.ts');
  if (isShown(args)) return showGraph(args, ui, toServeGraph(options));
  const readiness = new Readiness(args);
  const onHangup = { done: 'certificates, keys and users were read again' };
  const running = {
    io,
    ui,
    graceMs,
    watch,
    watchFiles: args.get(watchFilesOption),
    readiness,
    hooks: readHooks(args),
    onHangup,
  };
  return runUntilStopped({ ...running, style: 'serve' }, (runtime) => startServe(options, runtime));
}

/** Reads the TLS settings of the server, if the options or the carrier ask for TLS. */
function readServerTls(
  args: Arguments,
  context: CommandContext,
  own: ServerDemand | undefined,
): Pick<ServeOptions, 'tls'> {
  if (!own && !args.get(tlsOption)) {
    const given = tlsFileOptions.find((each) => args.isGiven(each));
    if (given === undefined) return {};
    throw usageError(
      `--${given.name} needs --tls`,
      'a certificate for a further proxy is set in its URL: -x https://proxy?cert=FILE',
    );
  }
  const given = readSettings(args, listenerTlsSettings);
  const agent =
    own?.tls?.verify === 'spiffe' && !given.cert && !given.clientCa ? context.io.env[agentVariable] : undefined;
  const files = agent === undefined ? given : { spiffe: parseSocket(agent, agentVariable), ...given };
  const { cert, key = cert } = files;
  const keyPasswordFile = args.get(keyPasswordOption);
  const needsCert = { key: files.key, [keyPasswordOption.name]: keyPasswordFile };
  for (const [name, value] of Object.entries(needsCert))
    if (cert === undefined && value !== undefined) throw usageError(`--${name} needs --cert`);
  return {
    tls: {
      ...files,
      ...(cert !== undefined && key !== undefined && { cert, key, keyPassword: readKeyPassword(args, context) }),
      ...(keyPasswordFile !== undefined && { keyPasswordFile }),
    },
  };
}
