import { usageError } from '../../core/errors.ts';
import type { ChainCheck, DrawForm, PlacedGraph } from '../../app/commands/chain.ts';
import type { Graph } from '../../app/commands/options.ts';
import { isInternal, parseInternal } from '../../syntax/internal.ts';
import { parseBareListen } from '../options/access/fronts.ts';
import { parseUnix } from '../../syntax/listen.ts';
import { parseTarget } from '../../syntax/target.ts';
import { quote } from '../../syntax/text.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, CommandSpec } from '../parse/command.ts';
import { asText, flag, option } from '../parse/option.ts';
import type { Io } from '../terminal/io.ts';
import { adminGroup, readAdmin, withAdmin } from '../options/admin.ts';
import { graceOption, limitGroup, readLimits } from '../options/limits.ts';
import { exportOption, isShown, printOption, showGraph } from '../options/print.ts';
import { hookOptions, readHooks } from '../lifecycle/hook-options.ts';
import { Readiness, readinessOptions } from '../options/readiness.ts';
import { chainRouteGroup, readChoices, readTunnelRequestOptions, readRest } from '../options/route.ts';
import { readTlsConfig } from '../options/tls.ts';
import { outputGroup } from '../options/output.ts';
import { refuseNames } from '../options/ways/further.ts';
import { readWatch, watchFilesOption, watchOption } from '../options/watch.ts';
import { createReport } from '../terminal/report.ts';
import { detachOptions } from '../lifecycle/detachment.ts';
import { runUntilStopped } from '../lifecycle/running.ts';
import type { Ui } from '../terminal/ui.ts';

const drawForms: readonly DrawForm[] = ['text', 'mermaid', 'svg'];

const configOption = option('config', asText, {
  short: 'c',
  value: 'FILE',
  summary: 'the stages, a YAML file, or a bootstrap file of Envoy; SIGHUP reads it again',
  completes: 'file',
});

const unknownFieldsOption = flag('allow-unknown-fields', {
  summary: 'leave out fields of an Envoy file that Envoy does not have either; -v names them',
});

const checkOption = flag('check', {
  summary:
    'only say whether the stages can run: what can listen, which names resolve, which are fused; nothing is dialled',
});

const drawOption = option('draw', parseForm, {
  value: '[FORM]',
  bare: 'text',
  summary: 'only draw the stages: text, as boxes and arrows; mermaid and svg for documents',
  completes: drawForms,
});

const fileOptions = [configOption, unknownFieldsOption, checkOption, printOption, exportOption, drawOption];

/** `tunl chain`: runs several stages in one process. */
export const chain: CommandSpec = {
  name: 'chain',
  forms: ['-c FILE', 'LISTEN NODE... TARGET'],
  summary: 'run several stages in one process, joined by internal:// listeners',
  examples: [
    { what: 'the stages of a file', line: 'tunl chain -c chain.yaml' },
    { what: 'the listeners of an Envoy file', line: 'tunl chain -c envoy.yaml' },
    { what: 'is the file right? nothing is dialled', line: 'tunl chain -c chain.yaml --check' },
    { what: 'how do its stages hang together?', line: 'tunl chain -c chain.yaml --draw' },
    { what: 'the same stages for Envoy', line: 'tunl chain -c chain.yaml --export envoy > envoy.yaml' },
    {
      what: 'one stage listens, the next wraps in a tunnel',
      line: 'tunl chain 10000 internal://encap h2c://127.0.0.1:10001 host.com:443',
    },
    {
      what: 'the same as a file to start from',
      line: 'tunl chain 10000 internal://encap h2c://127.0.0.1:10001 host.com:443 --print',
    },
  ],
  common: [
    configOption,
    checkOption,
    drawOption,
    printOption,
    exportOption,
    ...adminGroup.options,
    ...detachOptions,
    watchOption,
  ],
  groups: [
    { title: 'Stages', options: fileOptions },
    {
      title: 'Running',
      options: [...detachOptions, ...readinessOptions, ...hookOptions, graceOption, watchOption, watchFilesOption],
    },
    adminGroup,
    chainRouteGroup,
    limitGroup('forward'),
    outputGroup,
  ],
  outlivesDefects: true,
  run,
};

async function run(args: Arguments, { io, ui }: CommandContext): Promise<number> {
  const path = args.get(configOption);
  const words = args.operands;
  if (path !== undefined) refuseWords(args, words);
  const [graceMs, watch] = [args.get(graceOption), readWatch(args)];
  const { checkChain, loadChain, startChain } = await import('../../app/commands/chain.ts');
  const admin = readAdmin(args);
  const place = (read: PlacedGraph): PlacedGraph => ({ ...read, graph: withAdmin(read.graph, admin) });
  const options = { env: io.env, allowUnknownFields: args.get(unknownFieldsOption) };
  const load = path === undefined ? undefined : async () => place(tell(ui, await loadChain(path, options)));
  const placed = load ? await load() : place({ graph: await readLinear(words, args, { io, ui }) });
  const { graph } = placed;
  if (isShown(args)) return showGraph(args, ui, graph, placed);
  const form = args.get(drawOption);
  if (form !== undefined || args.get(checkOption)) {
    const check = await checkChain(placed, { tries: form === undefined, emit: createReport(ui, 'forward') });
    ui.print(await describe(graph, check, form, io));
    return 0;
  }
  const hasRecords = graph.stages.some(({ job, log }) => job === 'proxy' || log);
  const running = {
    io,
    ui,
    style: hasRecords ? 'serve' : 'forward',
    graceMs,
    watch,
    watchFiles: args.get(watchFilesOption),
    readiness: new Readiness(args),
    hooks: readHooks(args),
    ...(load && { onHangup: { done: `${path} was read again` } }),
  } as const;
  return runUntilStopped(running, (runtime) => startChain(placed, runtime, load));
}

/** Reports the notices about a file. */
function tell(ui: Ui, read: PlacedGraph): PlacedGraph {
  read.notices?.forEach(createReport(ui, 'forward'));
  return read;
}

function parseForm(text: string, name: string): DrawForm {
  const form = drawForms.find((known) => known === text);
  if (form !== undefined) return form;
  throw usageError(`${name} ${quote(text)} is none of ${drawForms.join(', ')}`);
}

async function describe(
  graph: Graph,
  { fused, trials }: ChainCheck,
  form: DrawForm | undefined,
  { stdout }: Io,
): Promise<string> {
  if (form === undefined) {
    const { describeStages, describeTrials } = await import('../terminal/stages.ts');
    return describeStages(graph, fused) + describeTrials(trials);
  }
  const { drawGraph } = await import('../../app/commands/chain.ts');
  return drawGraph(graph, form, { fused, width: stdout.isTTY ? stdout.columns : 0 });
}

/** Rejects options and operands that would contradict the file. @throws {TunlError} usage */
function refuseWords(args: Arguments, words: readonly string[]): void {
  const [extra] = words;
  if (extra !== undefined)
    throw usageError(`unexpected argument ${quote(extra)}`, 'with -c all stages are in the file');
  const others = [...chainRouteGroup.options, ...limitGroup('forward').options];
  const given = others.find((other) => args.isGiven(other));
  if (given !== undefined) throw usageError(`--${given.name} does not go with -c`, 'write it into the file');
}

/** Reads the stages from the operands. @throws {TunlError} usage; interrupted, if a signal comes instead of a password */
async function readLinear(words: readonly string[], args: Arguments, context: CommandContext): Promise<Graph> {
  const [first, last] = [words[0], words.at(-1)];
  if (first === undefined || last === undefined || words.length < 2) {
    throw usageError(
      'the stages are missing',
      first !== undefined && /[./]/.test(first) && !/:|^[\d.]+$/.test(first)
        ? `did you mean tunl chain -c ${first}?`
        : 'write tunl chain -c FILE, or tunl chain LISTEN NODE... TARGET',
    );
  }
  const nodes = words.slice(1, -1);
  const listen = parseBareListen(first);
  const target = last.startsWith('unix:')
    ? parseUnix(last)
    : isInternal(last)
      ? parseInternal(last)
      : parseTarget(last);
  const texts = nodes.filter((node) => !isInternal(node));
  refuseNames(texts, 'chain');
  const choices = await readChoices(args, context, {
    texts,
    source: 'NODE',
    takesCommand: true,
    tls: readTlsConfig(args),
    ...readTunnelRequestOptions(args),
  });
  const options = { ...readRest(args), limits: readLimits(args, 'forward'), listen, target };
  const { toLinearGraph } = await import('../../app/commands/chain.ts');
  return toLinearGraph({
    ...options,
    nodes: nodes.map((node) => {
      if (isInternal(node)) return { kind: 'internal', address: parseInternal(node) };
      return { kind: 'hop', choice: choices.shift() ?? [] };
    }),
  });
}
