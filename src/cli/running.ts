import type { Running, Runtime } from '../app/options.ts';
import { Scope } from '../core/scope.ts';
import type { CommandContext } from './command.ts';
import { createReport, type ReportStyle } from './report.ts';
import { drainOnSignals } from './signals.ts';
import { withSpinner } from './status.ts';
import { sayTunnels } from './tunnel-table.ts';

/** What a command that listens is run with. */
export interface RunningOptions extends CommandContext {
  readonly style: ReportStyle;
  readonly graceMs: number;
  /** What SIGHUP does, where it does not stop the program. */
  readonly onHangup?: () => void;
}

/**
 * Runs a command that listens until a signal stops it. Resolves with 0 when every tunnel could
 * finish, else with 128 and the number of the first signal.
 */
export async function runUntilStopped(
  { io, ui, style, graceMs, onHangup }: RunningOptions,
  start: (runtime: Runtime) => Promise<Running>,
): Promise<number> {
  const scope = new Scope();
  const interruption = drainOnSignals(io, scope, onHangup);
  let running: Running | undefined;
  io.on('SIGUSR2', () => void sayTunnels(ui, running?.tunnels ?? []));
  const starting = start({ scope, emit: createReport(ui, style), graceMs });
  running = await withSpinner(ui, io.stderr, 'opening listeners', starting);
  const cut = await running.done;
  return cut > 0 || scope.forced.aborted ? (interruption.exit() ?? 1) : 0;
}
