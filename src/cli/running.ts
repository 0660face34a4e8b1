import type { Running, Runtime } from '../app/options.ts';
import { Scope } from '../core/scope.ts';
import { exitOf, toTunlError } from '../core/errors.ts';
import type { CommandContext } from './command.ts';
import { sayFailure } from './fail.ts';
import { keepFreedMemory, limitYoungHeap } from './heap.ts';
import type { Readiness } from './options/readiness.ts';
import { controlVoice } from './options/voice.ts';
import { createReport, type ReportStyle } from './report.ts';
import { drainOnSignals } from './signals.ts';
import { spinWhileDialling, withSpinner } from './status.ts';
import { sayTunnels } from './tunnel-table.ts';
import type { Ui } from './ui.ts';

/** A reload, with what is said once it is done. */
export interface Reload {
  readonly done: string;
}

/** What a command that listens is run with. */
export interface RunningOptions extends CommandContext {
  readonly style: ReportStyle;
  readonly graceMs: number;
  readonly readiness: Readiness;
  /** What is done before anything listens, in the words of the spinner, where it is more than that. */
  readonly before?: string;
  /** Show the open tunnels all the time, on a terminal. */
  readonly watch?: boolean;
  /** What SIGHUP does, where it does not stop the program. */
  readonly onHangup?: Reload;
}

/** Starts what listens. @throws {TunlError} when it does not; then no listener is left open */
export type Start = (runtime: Runtime) => Promise<Running>;

/**
 * Runs a command that listens until a signal stops it. Resolves with 0 when every tunnel could
 * finish, else with 128 and the number of the first signal, or with what an order to the admin address ends with.
 * Where its terminal went away it is always the number of that signal.
 */
export async function runUntilStopped(options: RunningOptions, start: Start): Promise<number> {
  const { io, ui, onHangup, readiness } = options;
  limitYoungHeap();
  keepFreedMemory();
  const scope = new Scope();
  let running: Running | undefined;
  let stopShowing = () => {};
  const interruption = drainOnSignals(io, scope, onHangup && (() => void reload(ui, running, onHangup)));
  try {
    running = await startListening(options, scope, start);
    stopShowing = await showActivity(options, running);
    const cut = await running.done;
    if (cut === 0 && !scope.forced.aborted && !interruption.hungUp()) return 0;
    return interruption.exit() ?? exitOf(toTunlError(scope.draining.reason));
  } finally {
    stopShowing();
    readiness.withdraw();
  }
}

/** Lets people see what the tunnels do, until the returned function is called. */
async function showActivity({ io, ui, watch }: RunningOptions, running: Running): Promise<() => void> {
  if (watch === true && ui.canRedraw) {
    const { watchTunnels } = await import('./live-table.ts');
    return watchTunnels(ui, io.stderr, running);
  }
  if (watch === true) ui.say('normal', '--watch needs a terminal; SIGUSR2 shows the tunnels');
  return ui.canRedraw ? spinWhileDialling(ui, io.stderr, running.tunnels) : () => {};
}

/** Never rejects: what cannot be read again stays as it was, and is said. */
async function reload(ui: Ui, running: Running | undefined, { done }: Reload): Promise<void> {
  try {
    await running?.reload?.();
    ui.say('normal', done);
  } catch (error) {
    sayFailure(ui, toTunlError(error));
  }
}

/** Starts what listens and tells those who wait for it. From then on SIGUSR2 shows its tunnels. */
export async function startListening(
  { io, ui, style, graceMs, readiness, before = 'opening listeners' }: RunningOptions,
  scope: Scope,
  start: Start,
): Promise<Running> {
  const onReady: Runtime['onReady'] = (addresses) => readiness.announce(addresses);
  const starting = start({ scope, emit: createReport(ui, style), graceMs, onReady, voice: controlVoice(ui) });
  const showTunnels = async () => {
    const { tunnels, draw } = await starting;
    if (draw && ui.onTerminal) ui.show('normal', (await draw(io.stderr.columns)).trimEnd());
    await sayTunnels(ui, io.stderr, tunnels);
  };
  // A start that fails says so itself.
  io.on('SIGUSR2', () => void showTunnels().catch(() => {}));
  return withSpinner(ui, io.stderr, before, starting);
}
