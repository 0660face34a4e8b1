import { cutWithCommand, endWithCommand } from '../../app/commands/command.ts';
import { toTunlError, type TunlError } from '../../core/errors.ts';
import { Scope } from '../../core/scope.ts';
import { type Child, type ChildEnd, startChild } from '../process/child.ts';
import { fillPlaceholders, setVariables, toPlace } from '../options/placeholders.ts';
import { assertNameable, type Lead, setProxyVariables } from './proxy-variables.ts';
import { createReport } from '../terminal/report.ts';
import { type RunningOptions, type Start, attend, findHooks, findService, startListening } from './running.ts';
import { passSignals } from '../process/signals.ts';

/** Exit status if tunl failed before the command ran. */
const beforeCommandExit = 125;

/**
 * Runs a command once all listeners are open, and ends with it. Its environment leads it to a front, if there is one. Resolves with its exit status, or with 128 plus the
 * number of the signal that killed it.
 * @throws {TunlError} if it did not run
 */
export async function runCommand(
  words: readonly string[],
  options: RunningOptions,
  start: Start,
  lead?: Lead,
): Promise<number> {
  const { io, ui, style, readiness } = options;
  if (lead) assertNameable(lead.front, lead.listen);
  const scope = new Scope();
  const service = await findService(options, scope);
  const hooks = await findHooks(options);
  const runtime = { scope, emit: createReport(ui, style) };
  let child: Child | undefined;
  const interruption = passSignals(io, scope, () => child);
  const run = async () => {
    const running = await startListening(options, scope, start, { hooks });
    if (!scope.draining.aborted) await hooks?.up();
    // A signal may have come while it started.
    if (scope.draining.aborted) {
      await running.done;
      return interruption.exit() ?? beforeCommandExit;
    }
    let end: ChildEnd;
    try {
      const places = running.addresses.map(toPlace);
      const env = lead ? setProxyVariables(io.env, lead, running.addresses) : io.env;
      child = startChild(fillPlaceholders(words, places), setVariables(env, places));
      service?.ready();
      end = await child.ended;
    } catch (error) {
      child = undefined;
      await cutWithCommand(running, runtime);
      throw toFailure(error);
    }
    child = undefined;
    await (end.killed ? cutWithCommand(running, runtime) : endWithCommand(running, runtime));
    return end.status;
  };
  try {
    return await attend(hooks, scope, () => run().finally(() => readiness.withdraw()));
  } catch (error) {
    throw toFailure(error);
  } finally {
    await service?.settle();
  }
}

/** Gives failures of tunl itself one exit status, so that they cannot be taken for those of the command. */
function toFailure(thrown: unknown): TunlError {
  const error = toTunlError(thrown);
  const own = error.code === 'usage' || error.code === 'command_unusable' || error.code === 'command_not_found';
  return own ? error : error.with({ exit: beforeCommandExit });
}
