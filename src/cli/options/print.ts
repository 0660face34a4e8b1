import type { Graph } from '../../app/commands/options.ts';
import type { PrintOptions } from '../../app/commands/chain.ts';
import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';
import type { Arguments } from '../parse/arguments.ts';
import { flag, option } from '../parse/option.ts';
import type { Ui } from '../terminal/ui.ts';

/** The option that prints what a command would run, as a file for `chain -c`. */
export const printOption = flag('print', {
  summary: 'only print what would run, as a file for tunl chain -c; secrets are named, not printed',
});

/** The option that prints what a command would run, as a file for another program. */
export const exportOption = option('export', parseForm, {
  value: 'FORM',
  summary:
    'only write what would run for another program: envoy, a bootstrap file of Envoy; what it cannot do is refused',
  completes: ['envoy'],
});

function parseForm(text: string, name: string): 'envoy' {
  if (text === 'envoy') return text;
  throw usageError(`${name} ${quote(text)} is not envoy`);
}

/** Returns true if the command should only print what it would run. */
export function isShown(args: Arguments): boolean {
  return args.get(printOption) || args.isGiven(exportOption);
}

/**
 * Prints a graph in the form that the options ask for, and resolves with the exit status.
 * @throws {TunlError} usage, if that form cannot express the graph
 */
export async function showGraph(args: Arguments, ui: Ui, graph: Graph, options: PrintOptions = {}): Promise<number> {
  const form = args.get(exportOption);
  if (form === undefined) return printGraph(ui, graph, options);
  const { exportEnvoy } = await import('../../app/commands/chain.ts');
  ui.print(await exportEnvoy(graph, options.sources));
  return 0;
}

/** Prints a graph as a file for `chain -c`, and resolves with the exit status. */
export async function printGraph(ui: Ui, graph: Graph, options: PrintOptions = {}): Promise<number> {
  const { printGraph: format } = await import('../../app/commands/chain.ts');
  ui.print(format(graph, options));
  return 0;
}
