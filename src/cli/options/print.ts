import type { Graph } from '../../app/options.ts';
import type { PrintOptions } from '../../app/chain.ts';
import type { OptionSpec } from '../command.ts';
import type { Ui } from '../ui.ts';

/** The option that shows what a command would run, as the file that `chain -c` reads. */
export const printOption: OptionSpec = {
  name: 'print',
  summary: 'only print what would run, as a file for tunl chain -c; secrets are named, not printed',
};

/** Prints a graph as that file, and resolves with the exit status. */
export async function printGraph(ui: Ui, graph: Graph, options: PrintOptions = {}): Promise<number> {
  const { printGraph: format } = await import('../../app/chain.ts');
  ui.print(format(graph, options));
  return 0;
}
