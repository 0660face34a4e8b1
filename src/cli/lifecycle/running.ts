import type { Running, Runtime } from '../../app/runtime.ts';
import { Scope } from '../../core/scope.ts';
import { noting, type TunlEvent, type TunnelFailedEvent } from '../../core/events.ts';
import { exitOf, toTunlError } from '../../core/errors.ts';
import type { CommandContext } from '../parse/command.ts';
import { formatFailure, sayFailure } from '../terminal/fail.ts';
import type { Failures } from '../terminal/live-table.ts';
import { limitYoungHeap } from '../process/heap.ts';
import type { Ending, Hooks } from './hooks.ts';
import type { HookCommands } from './hook-options.ts';
import type { ServiceManager } from './systemd.ts';
import type { Readiness } from '../options/readiness.ts';
import { controlOutput } from '../options/output.ts';
import { createReport, type ReportStyle } from '../terminal/report.ts';
import { catchEndSignals, drainOnSignals } from '../process/signals.ts';
import { spinWhileDialling, withSpinner } from '../terminal/status.ts';
import { sayTunnels } from '../terminal/tunnel-table.ts';
import type { Ui } from '../terminal/ui.ts';

/** A reload by SIGHUP, with the message that follows it. */
export interface Reload {
  readonly done: string;
}

/** Options of a command that listens. */
export interface RunningOptions extends CommandContext {
  readonly style: ReportStyle;
  readonly graceMs: number;
  readonly readiness: Readiness;
  /** What the user wants to be run when everything listens and when nothing does any more. */
  readonly hooks: HookCommands;
  /** Text of the spinner until the listeners are open. Default: `opening listeners`. */
  readonly before?: string;
  /** Shows the open tunnels all the time, on a terminal. */
  readonly watch?: boolean;
  /** Whether certificates are read again when their files change; by default those of a mesh are. */
  readonly watchFiles?: boolean | undefined;
  /** Makes SIGHUP reload instead of stopping the program. */
  readonly onHangup?: Reload;
}

/** Opens the listeners. @throws {TunlError} if it cannot; then no listener stays open */
export type Start = (runtime: Runtime) => Promise<Running>;

/**
 * Runs a command that listens until a signal stops it. Resolves with 0 if every tunnel could finish, else with 128 plus
 * the number of the first signal, or with the status of an order to the admin address. If the terminal went away, the
 * status is always that of SIGHUP.
 */
export async function runUntilStopped(options: RunningOptions, start: Start): Promise<number> {
  const { io, ui, onHangup, readiness } = options;
  const scope = new Scope();
  const service = await findService(options, scope);
  const hooks = await findHooks(options);
  let running: Running | undefined;
  let stopShowing = () => {};
  const interruption = drainOnSignals(io, scope, onHangup && (() => void reload(ui, running, onHangup, service)));
  const run = async () => {
    const onEnded = await limitYoungHeap();
    const failures: Failures = { count: 0 };
    const onEvent = (event: TunlEvent) => {
      if (event.event === 'tunnel.closed') onEnded();
      if (event.event === 'tunnel.failed') noteFailure(failures, event);
    };
    running = await startListening(options, scope, start, { onEvent, hooks });
    io.background?.noteReady(running.tunnels);
    service?.ready();
    if (!scope.draining.aborted) await hooks?.up();
    stopShowing = await showActivity(options, running, failures);
    const cut = await running.done;
    if (cut === 0 && !scope.forced.aborted && !interruption.hungUp()) return 0;
    return interruption.exit() ?? exitOf(toTunlError(scope.draining.reason));
  };
  const leave = () => {
    stopShowing();
    readiness.withdraw();
  };
  try {
    return await attend(hooks, scope, () => run().finally(leave));
  } finally {
    await service?.settle();
  }
}

/** Finds what the user wants to be run beside a command that listens; undefined if that is nothing. */
export async function findHooks({ io, ui, style, hooks }: RunningOptions): Promise<Hooks | undefined> {
  if (hooks.up === undefined && hooks.down === undefined) return undefined;
  const { Hooks } = await import('./hooks.ts');
  const output = ui.output.form === 'json' ? 'none' : 'stderr';
  return new Hooks(hooks, { io, emit: createReport(ui, style), output });
}

/** Runs a command that listens, and then `--on-down`, which a further signal ends. Resolves and rejects as the command does. */
export async function attend(hooks: Hooks | undefined, scope: Scope, run: () => Promise<number>): Promise<number> {
  if (!hooks) return run();
  let ending: Ending = { status: 0, reason: '' };
  try {
    const status = await run();
    const reason = scope.draining.aborted ? toTunlError(scope.draining.reason).message : '';
    ending = { status, reason };
    return status;
  } catch (error) {
    const failure = toTunlError(error);
    ending = { status: exitOf(failure), reason: failure.message };
    throw error;
  } finally {
    const cut = new AbortController();
    const stopCatching = catchEndSignals((signal) => cut.abort(signal));
    await hooks.down(ending, cut.signal).finally(stopCatching);
  }
}

/** Shows a table of tunnels or a spinner, until the returned function is called. */
async function showActivity(
  { io, ui, watch }: RunningOptions,
  { tunnels, draw }: Running,
  failures: Failures,
): Promise<() => void> {
  if (watch === true && ui.canRedraw) {
    const { watchTunnels } = await import('../terminal/live-table.ts');
    return watchTunnels(ui, io, { tunnels, failures, ...(draw && { draw }) });
  }
  if (watch === true) ui.say('normal', '--watch needs a terminal; SIGUSR2 shows the tunnels');
  return ui.canRedraw ? spinWhileDialling(ui, io.stderr, tunnels) : () => {};
}

/** Counts a tunnel that did not come up; a client that left before is no failure. */
function noteFailure(failures: Failures, { target, error }: TunnelFailedEvent): void {
  if (error.side === 'client' || error.code === 'interrupted') return;
  failures.count++;
  failures.last = `at ${new Date().toTimeString().slice(0, 8)}: ${target}: ${formatFailure(error)}`;
}

/** Reloads, and never rejects: after a failure, which is reported, everything stays as it was. */
async function reload(
  ui: Ui,
  running: Running | undefined,
  { done }: Reload,
  service: ServiceManager | undefined,
): Promise<void> {
  service?.reloading();
  try {
    await running?.reload?.();
    ui.say('normal', done);
  } catch (error) {
    sayFailure(ui, toTunlError(error));
  }
  service?.ready();
}

/**
 * Finds the service manager that waits for signs of this process, and tells it when the scope drains; undefined without one.
 * @throws {TunlError} usage, if it wants them too often
 */
export async function findService(context: CommandContext, scope: Scope): Promise<ServiceManager | undefined> {
  if (!context.io.env['NOTIFY_SOCKET']) return undefined;
  const { ServiceManager } = await import('./systemd.ts');
  const service = new ServiceManager(context);
  scope.draining.addEventListener('abort', () => service.stopping(), { once: true });
  return service;
}

/**
 * Opens the listeners and announces them to programs that wait. From then on SIGUSR2 shows the tunnels. `onEvent` is
 * called with each event, and `hooks` learn the addresses.
 */
export async function startListening(
  { io, ui, style, graceMs, readiness, watchFiles, before = 'opening listeners' }: RunningOptions,
  scope: Scope,
  start: Start,
  { onEvent, hooks }: { readonly onEvent?: (event: TunlEvent) => void; readonly hooks: Hooks | undefined },
): Promise<Running> {
  const { background } = io;
  const onReady: Runtime['onReady'] = (addresses) => {
    background?.noteAddresses(addresses);
    hooks?.noteAddresses(addresses);
    readiness.announce(addresses);
  };
  const [report, output] = [createReport(ui, style), controlOutput(ui)];
  const emit = noting(report, (event) => {
    background?.note(event);
    onEvent?.(event);
  });
  const starting = start({ scope, emit, graceMs, onReady, output, ...(watchFiles !== undefined && { watchFiles }) });
  const showTunnels = async () => {
    const { tunnels, draw } = await starting;
    if (draw && ui.onTerminal) ui.show('normal', (await draw(io.stderr.columns)).trimEnd());
    await sayTunnels(ui, io.stderr, tunnels);
  };
  // The failure of the start is reported elsewhere.
  io.on('SIGUSR2', () => void showTunnels().catch(() => {}));
  return withSpinner(ui, io.stderr, before, starting);
}
