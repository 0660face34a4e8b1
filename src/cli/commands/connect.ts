import type { ConnectOptions } from '../../app/commands/options.ts';
import { toTunlError } from '../../core/errors.ts';
import { Scope } from '../../core/scope.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, CommandSpec } from '../parse/command.ts';
import { flag } from '../parse/option.ts';
import { noCacheOption, readCache } from '../options/hops.ts';
import { limitGroup, readLimits } from '../options/limits.ts';
import { printGraph, printOption } from '../options/print.ts';
import { directOption, proxyOption, readRoute, readTargetTls, routeGroup } from '../options/route.ts';
import { parseTargetArguments } from '../../syntax/target.ts';
import { readTlsConfig, tlsOptions } from '../options/tls.ts';
import { outputGroup } from '../options/output.ts';
import { createReport } from '../terminal/report.ts';
import { endOnSignals } from '../process/signals.ts';
import { closeStdout, isOneUnixSocket } from '../process/stdout.ts';
import type { Ui } from '../terminal/ui.ts';

const checkOption = flag('check', {
  summary: 'only dial the target once; the exit status says whether, and why not',
});

const tlsTargetOption = flag('tls-target', {
  summary: 'speak TLS to the target inside the tunnel; the TLS options hold for it too',
});

/** `tunl connect`: joins stdin and stdout to a target. */
export const connect: CommandSpec = {
  name: 'connect',
  forms: ['HOST:PORT', 'HOST PORT'],
  summary: 'join stdin and stdout to a target, as an ssh ProxyCommand does',
  examples: [
    { what: 'ssh through a proxy', line: "ssh -o ProxyCommand='tunl connect -x http://proxy:3128 %h:%p' host" },
    {
      what: 'two proxies, the nearest first',
      line: 'tunl connect -x http://proxy:3128 -x https://edge.example db:5432',
    },
    {
      what: 'TLS to the target, inside the tunnel',
      line: 'tunl connect --tls-target -x http://proxy:3128 example.org:443',
    },
    { what: 'can it be reached? the exit status tells', line: 'tunl connect --check -x http://proxy:3128 db:5432' },
  ],
  common: [proxyOption, directOption, checkOption, tlsTargetOption, tlsOptions.cacert, tlsOptions.insecure],
  groups: [
    {
      title: 'Target',
      options: [checkOption, printOption, tlsTargetOption, noCacheOption],
    },
    routeGroup,
    limitGroup('forward'),
    outputGroup,
  ],
  completes: 'host',
  reachesTerminal: true,
  run,
};

async function run(args: Arguments, { io, ui }: CommandContext): Promise<number> {
  const target = parseTargetArguments(args.operands);
  const words = readTlsConfig(args);
  const targetTls = readTargetTls(args, { io, ui }, words);
  const options = {
    limits: readLimits(args, 'forward'),
    target,
    check: args.get(checkOption),
    ...(args.get(tlsTargetOption) && { targetTls }),
    ...(await readRoute(args, { io, ui }, words, [{ target }], 'verbose')),
  };
  if (args.get(printOption)) return printStage(ui, options);
  const { runConnect } = await import('../../app/commands/connect.ts');
  const scope = new Scope();
  const ending = endOnSignals(io, scope);
  const { stdin, stdout } = io;
  const runtime = { scope, emit: createReport(ui, 'connect'), graceMs: 0 };
  const stdio = { stdin, stdout, isOneUnixSocket: isOneUnixSocket(stdin), closeStdout: () => closeStdout(stdout) };
  const cache = readCache(args, io);
  const ended = runConnect({ ...options, ...stdio, ...cache }, runtime);
  const status = ended.then(
    () => ending.exit() ?? 0,
    (error: unknown) => ending.exit() ?? Promise.reject(toTunlError(error)),
  );
  return Promise.race([ending.now, status]);
}

/** Prints the command as a stage. It listens on a free port, because a file cannot express stdin. */
async function printStage(
  ui: Ui,
  { targetTls, target, ...route }: Omit<ConnectOptions, 'stdin' | 'stdout' | 'isOneUnixSocket' | 'closeStdout'>,
): Promise<number> {
  const { toForwardGraph } = await import('../../app/commands/forward.ts');
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const { routes, stages } = toForwardGraph({ ...route, specs: [{ listen, target }] });
  const notes = ['connect joins stdin and stdout to the target; as a stage it listens on a free port'];
  return printGraph(
    ui,
    { routes, stages: stages.map((stage) => ({ ...stage, name: 'connect', ...(targetTls && { targetTls }) })) },
    { notes },
  );
}
