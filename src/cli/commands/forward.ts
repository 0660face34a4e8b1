import type { ForwardOptions, ForwardSpec, FrontAccess, FrontSpec } from '../../app/commands/options.ts';
import { formatAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, CommandSpec } from '../parse/command.ts';
import { forgetConfig, usedConfig } from '../options/ways/config.ts';
import { readSpecs, type ReadSpec } from '../options/ways/specs.ts';
import type { Wanted } from '../options/ways/wanted.ts';
import { addSecretUser, frontGroup, isFront, readAccess } from '../options/access/fronts.ts';
import { flag } from '../parse/option.ts';
import { noCacheOption, readCache } from '../options/hops.ts';
import { detachOptions } from '../lifecycle/detachment.ts';
import { graceOption, limitGroup, readLimits } from '../options/limits.ts';
import { refuseDuplicates } from '../../syntax/listen.ts';
import { exportOption, isShown, printOption, showGraph } from '../options/print.ts';
import { checkPlaceholders } from '../options/placeholders.ts';
import type { Lead } from '../lifecycle/proxy-variables.ts';
import { hookOptions, readHooks } from '../lifecycle/hook-options.ts';
import { Readiness, readinessOptions, readyFdOption } from '../options/readiness.ts';
import { directOption, endQuestions, proxyOption, readRoute, routeGroup } from '../options/route.ts';
import { readTlsConfig, tlsOptions } from '../options/tls.ts';
import { outputGroup } from '../options/output.ts';
import { readWatch, watchFilesOption, watchOption } from '../options/watch.ts';
import { runUntilStopped, type Start } from '../lifecycle/running.ts';

const checkOption = flag('check', {
  summary: 'first dial each target once; fail with the cause instead of listening',
});

/** `tunl forward`: opens local listeners, each leading to a target, or to the targets that its clients name. */
export const forward: CommandSpec = {
  name: 'forward',
  forms: ['SPEC...', 'SPEC... -- COMMAND ARG...'],
  summary: 'open local listeners that lead to targets, and local proxies',
  examples: [
    {
      what: 'port 5432 of this machine is the database',
      line: 'tunl forward 5432:db.internal:5432 -x http://proxy:3128',
    },
    { what: 'a free port, printed once it listens', line: 'tunl forward :db.internal:5432 -x http://proxy:3128' },
    {
      what: 'several at once, one of them a Unix socket',
      line: 'tunl forward 8080:web:80 unix:/tmp/db.sock:db:5432 -x https://edge.example',
    },
    {
      what: 'for as long as a command runs, and with its exit status',
      line: 'tunl forward :db.internal:5432 -x http://proxy:3128 -- psql -h {host} -p {port} app',
    },
    {
      what: 'a local proxy for browsers and other programs, which speak SOCKS or HTTP to it',
      line: 'tunl forward any:1080 -x https://edge.example',
    },
    {
      what: 'a command that reaches everything through the proxies, and asks them for names',
      line: 'tunl forward http: -x https://edge.example -- npm install',
    },
    {
      what: 'in the background of a script, which waits for the port',
      line: 'tunl forward :cache:6379 -x http://proxy:3128 --check --port-file port &',
    },
  ],
  common: [
    proxyOption,
    directOption,
    checkOption,
    ...detachOptions,
    ...readinessOptions,
    watchOption,
    tlsOptions.cacert,
    tlsOptions.insecure,
  ],
  groups: [
    {
      title: 'Running',
      options: [
        checkOption,
        printOption,
        exportOption,
        ...detachOptions,
        ...readinessOptions,
        ...hookOptions,
        graceOption,
        watchOption,
        watchFilesOption,
        noCacheOption,
      ],
    },
    frontGroup,
    routeGroup,
    limitGroup('forward'),
    outputGroup,
  ],
  takesCommand: true,
  completes: 'spec',
  outlivesDefects: true,
  run,
};

async function run(args: Arguments, context: CommandContext): Promise<number> {
  const { io, ui } = context;
  if (args.operands.length === 0) {
    throw usageError(
      'a SPEC is missing',
      'write PORT:HOST:HOSTPORT, such as 5432:db.internal:5432, or a local proxy: socks:, http: or any: with a PORT',
    );
  }
  const options = await readOptions(args, context);
  const { specs, access } = options;
  const command = args.rest;
  const graceMs = args.get(graceOption);
  const watch = readWatch(args);
  const { startForward, toForwardGraph } = await import('../../app/commands/forward.ts');
  if (isShown(args)) {
    refuseMatches(options);
    return showGraph(args, ui, toForwardGraph(options));
  }
  const before = options.check ? { before: `dialling ${listTargets(specs).map(formatAddress).join(', ')}` } : {};
  const watchFiles = args.get(watchFilesOption);
  const hooks = readHooks(args);
  const running = { io, ui, graceMs, ...before, readiness: new Readiness(args), hooks, watchFiles };
  const config = await usedConfig(args);
  const load = async () => {
    endQuestions(args);
    forgetConfig(args);
    const read = await readOptions(args, context);
    // Without it, targets that have a way now would be dialled directly.
    if (config && !(await usedConfig(args))) throw usageError(`the configuration ${config.path} is gone`);
    return read;
  };
  const start: Start = (runtime) => startForward(options, runtime, config && load);
  const files = [...(config ? [config.path] : []), 'certificates', 'keys', ...(access ? ['users'] : [])];
  const onHangup = { done: `${files.slice(0, -1).join(', ')} and ${files.at(-1)} were read again` };
  if (!command) return runUntilStopped({ ...running, watch, style: 'forward', onHangup }, start);
  const { runCommand } = await import('../lifecycle/run-command.ts');
  return runCommand(command, { ...running, style: 'command' }, start, findLead(specs, access));
}

/** Reads the SPECs and the ways to their targets. @throws {TunlError} usage; interrupted, by a signal at a question */
async function readOptions(args: Arguments, { io, ui }: CommandContext): Promise<ForwardOptions> {
  const named = await readSpecs(args, { io, ui });
  const specs = named.map(({ spec }) => spec);
  refuseDuplicates(specs.map(({ listen }) => listen));
  refuseUnixThroughProxies(args, named);
  if (args.get(checkOption) && listTargets(specs).length === 0)
    throw usageError('--check dials targets, and the clients of a front name theirs later');
  if (args.rest) refuseCommand(args.rest, args, specs);
  const access = await readFrontAccess(args, io.env, specs);
  const found = await findMatches(named, args, { io, ui });
  const wanted = [...named.map(toWanted), ...found.map((match) => match.wanted)];
  const { ways, ...route } = await readRoute(args, { io, ui }, readTlsConfig(args), wanted);
  return {
    limits: readLimits(args, 'forward'),
    ...route,
    ways: ways.slice(0, specs.length),
    matches: found.map(({ pattern, rule }, index) => ({ pattern, rule, hops: ways[specs.length + index] ?? [] })),
    specs: named.map(({ spec, way }) => (isFront(spec) && way ? { ...spec, hasOwnWay: true } : spec)),
    ...(access && { access }),
    check: args.get(checkOption),
    ...readCache(args, io),
  };
}

/** Lists the targets of SPECs; the clients of fronts name theirs later. */
function listTargets(specs: ForwardOptions['specs']) {
  return specs.flatMap((spec) => (isFront(spec) ? [] : [spec.target]));
}

/** Returns the target whose way is to be found; that of a front is whatever its clients ask for. */
function toWanted({ spec, way }: ReadSpec): Wanted {
  return { target: isFront(spec) ? 'any' : spec.target, ...(way && { way }) };
}

/** Finds what the configuration says of the targets of clients, where nothing says more. @throws {TunlError} usage */
async function findMatches(specs: readonly ReadSpec[], args: Arguments, context: CommandContext) {
  if (args.get(proxyOption).length > 0 || args.get(directOption)) return [];
  if (!specs.some(({ spec, way }) => isFront(spec) && !way)) return [];
  const { listMatches } = await import('../options/ways/rules.ts');
  return listMatches(args, context);
}

/** Rejects what no file for another program can say. @throws {TunlError} usage */
function refuseMatches({ matches: [first] = [] }: ForwardOptions): void {
  if (!first) return;
  throw usageError(
    `the file cannot say which way each target of a front is reached, and ${first.rule}`,
    'name the way of all: -x URL, --direct or --no-config',
  );
}

/** @throws {TunlError} usage */
function refuseUnixThroughProxies(args: Arguments, specs: readonly ReadSpec[]): void {
  for (const { spec, way } of specs) {
    if (isFront(spec) || spec.target.kind !== 'unix') continue;
    const what = 'a Unix socket is not reached through a proxy';
    if (args.get(proxyOption).length > 0) throw usageError(what, 'leave -x out, or name a HOST:PORT');
    if (way && way.written !== 'direct' && !args.get(directOption))
      throw usageError(`${way.place}: ${what}`, 'leave proxy out, or name a HOST:PORT');
  }
}

/** Reads who may use the fronts; with a command that is the command alone, unless the user has said something else. */
async function readFrontAccess(
  args: Arguments,
  env: CommandContext['io']['env'],
  specs: readonly (ForwardSpec | FrontSpec)[],
): Promise<FrontAccess | undefined> {
  const access = readAccess(args, env, specs);
  if (!access || !args.rest || isShown(args)) return access;
  return access.open === true && Object.keys(access.users).length === 0 ? access : addSecretUser(access);
}

/** Finds the front that a command is led to: the first one. */
function findLead(specs: readonly (ForwardSpec | FrontSpec)[], access: FrontAccess | undefined): Lead | undefined {
  const index = specs.findIndex(isFront);
  const spec = specs[index];
  return spec && isFront(spec) ? { ...spec, index, login: access?.users.single } : undefined;
}

/** Rejects a command that cannot run as it is written. @throws {TunlError} usage */
function refuseCommand(command: readonly string[], args: Arguments, specs: readonly (ForwardSpec | FrontSpec)[]): void {
  if (!command[0]) throw usageError('the command after -- is missing', 'write forward SPEC -- COMMAND ARG...');
  if (args.get(watchOption)) throw usageError('--watch would draw over what the command after -- shows');
  if (args.get(readyFdOption) === '1')
    throw usageError('--ready-fd 1 is the stdout of the command', 'write --ready-fd 3, and 3>FILE');
  checkPlaceholders(
    command,
    specs.map(({ listen }) => listen),
  );
}
