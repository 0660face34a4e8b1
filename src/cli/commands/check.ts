import type { CheckOptions } from '../../app/check/options.ts';
import type { TcpAddress } from '../../core/address.ts';
import { toTunlError, usageError } from '../../core/errors.ts';
import { Scope } from '../../core/scope.ts';
import { parseDuration } from '../../syntax/duration.ts';
import { parseTarget, parseTargetArguments } from '../../syntax/target.ts';
import { noCacheOption, readCache } from '../options/hops.ts';
import { limitGroup, readLimits } from '../options/limits.ts';
import { outputGroup } from '../options/output.ts';
import { directOption, proxyOption, readRoute, readTargetTls, routeGroup } from '../options/route.ts';
import { readTlsConfig, tlsOptions } from '../options/tls.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, CommandSpec } from '../parse/command.ts';
import { flag, list, option } from '../parse/option.ts';
import { endOnSignals } from '../process/signals.ts';

const deepOption = flag('deep', {
  summary: 'also send data through the tunnel, for a target that echoes: half-close, buffering',
});

const idleOption = option('idle', parseDuration, {
  value: 'TIME',
  summary: 'also watch a silent tunnel for so long, and say when it is cut',
  fallback: 'off',
});

const probeOption = list('probe', parseProbe, {
  value: 'HOST[:PORT]',
  summary: 'also ask for a tunnel to this host (port 443), to tell rules for hosts from others; repeatable',
  completes: 'host',
});

/** `tunl check`: examines the way to a target, and says what to type. */
export const check: CommandSpec = {
  name: 'check',
  forms: ['HOST:PORT', 'HOST PORT'],
  summary: 'examine the way to a target: what the proxy allows, and what to type',
  examples: [
    { what: 'will ssh get through?', line: 'tunl check -x http://proxy.corp:8080 git.example.com:22' },
    { what: 'with the proxy of the environment', line: 'tunl check git.example.com:22' },
    {
      what: 'when does it cut silent tunnels?',
      line: 'tunl check -x http://proxy.corp:8080 --idle 10m box.example:22',
    },
    { what: 'for a script or a ticket', line: 'tunl check --json -x http://proxy.corp:8080 git.example.com:443' },
  ],
  common: [proxyOption, directOption, deepOption, idleOption, probeOption, tlsOptions.cacert, tlsOptions.insecure],
  groups: [
    { title: 'Checking', options: [deepOption, idleOption, probeOption, noCacheOption] },
    routeGroup,
    limitGroup('forward'),
    outputGroup,
  ],
  completes: 'host',
  run,
};

async function run(args: Arguments, { io, ui }: CommandContext): Promise<number> {
  const target = parseTargetArguments(args.operands);
  const words = readTlsConfig(args);
  const { ways: _one, sources, ...route } = await readRoute(args, { io, ui }, words, [{ target }], 'verbose');
  const options: CheckOptions = {
    ...route,
    target,
    limits: readLimits(args, 'forward'),
    source: sources[0] ?? '',
    targetTls: readTargetTls(args, { io, ui }, words),
    deep: args.get(deepOption),
    idleMs: args.get(idleOption),
    elsewhere: args.get(probeOption),
    ...readCache(args, io),
  };
  const [{ runCheck }, { formatConclusion, formatVerdict }, { withSpinner }] = await Promise.all([
    import('../../app/check/check.ts'),
    import('../terminal/check-report.ts'),
    import('../terminal/status.ts'),
  ]);
  const scope = new Scope();
  const ending = endOnSignals(io, scope);
  const isText = ui.output.form === 'text';
  let previous: string | undefined;
  const report = runCheck(options, scope, {
    onProbe: (doing, work) => void withSpinner(ui, io.stderr, doing, work).catch(() => {}),
    onVerdict(verdict) {
      if (isText) ui.print(formatVerdict(verdict, previous));
      previous = verdict.name;
    },
  });
  const status = report.then(
    (found) => {
      ui.print(isText ? formatConclusion(found) : `${JSON.stringify({ version: 1, ...found })}\n`);
      return ending.exit() ?? found.exit;
    },
    (error: unknown) => ending.exit() ?? Promise.reject(toTunlError(error)),
  );
  return Promise.race([ending.now, status]);
}

/** Reads a host with or without a port. @throws {TunlError} usage */
function parseProbe(text: string, name: string): TcpAddress {
  const hasPort = /^[^[\]]*:\d+$|\]:\d+$/.test(text);
  try {
    return parseTarget(hasPort ? text : `${text}:443`);
  } catch (error) {
    const { message, facts } = toTunlError(error);
    throw usageError(`${name}: ${message}`, ...(facts.hints ?? []));
  }
}
