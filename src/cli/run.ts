import { exitOf, TunlError, usageError } from '../core/errors.ts';
import { version } from '../core/program.ts';
import type { Arguments } from './parse/arguments.ts';
import type { CommandContext, CommandSpec, ProgramContext } from './parse/command.ts';
import { commandNames, loadCommand, loadCommands } from './commands/index.ts';
import { fail, tellTerminal } from './terminal/fail.ts';
import { type Io, textColumns } from './terminal/io.ts';
import { readDetachment } from './lifecycle/detachment.ts';
import { guessOutput, helpAllOption, helpOption, readOutput } from './options/output.ts';
import { findCommand, parseArguments, UnknownWord } from './parse/program.ts';
import { detachedWord } from './process/starter.ts';
import { Ui } from './terminal/ui.ts';

/** Runs one command line. Resolves with the exit status once all output is written. */
export async function run(words: readonly string[], io: Io): Promise<number> {
  let ui = await new Ui(io, guessOutput(words)).prepare();
  let status: number;
  try {
    const help = await answerGlobally(words, io);
    if (words[0] === detachedWord) {
      const { runDetached } = await import('./process/detached.ts');
      status = await runDetached(run);
    } else if (help !== undefined) {
      ui.print(help);
      status = 0;
    } else if (words.length === 0) {
      ui.show('error', (await formatOverview(io)).trimEnd());
      status = exitOf(usageError(''));
    } else {
      const command = await loadCommand(findCommand(words, commandNames));
      const args = parseArguments(words, command);
      ui = await new Ui(io, readOutput(args)).prepare();
      const which = args.get(helpAllOption) ? 'all' : args.get(helpOption) ? 'common' : undefined;
      const detachment = which ? undefined : readDetachment(args, command);
      if (which) {
        status = await printHelp({ io, ui }, command, which);
      } else if (detachment && !io.background) {
        const { detach } = await import('./lifecycle/detach.ts');
        status = await detach(words, detachment, command.name, { io, ui });
      } else {
        status = await runGuarded(command, args, { io, ui, loadCommands });
      }
    }
  } catch (error) {
    status = fail(ui, error instanceof UnknownWord ? await error.explain() : error);
    const name = words[0] ?? '';
    const says = commandNames.includes(name) && (await loadCommand(name)).reachesTerminal === true;
    if (says) tellTerminal(ui, io, error);
  }
  return (await ui.flush()) === 'closed' ? exitOf(new TunlError('output_closed', '')) : status;
}

/** Answers the options that need no command: the help and the version of the program. */
async function answerGlobally([first, ...others]: readonly string[], io: Io): Promise<string | undefined> {
  if (first === undefined || others.length > 0) return undefined;
  if (first === '--version' || first === '-V') return `tunl ${version}\n`;
  return /^(-h|--help(-all)?)$/.test(first) ? formatOverview(io) : undefined;
}

async function formatOverview(io: Io): Promise<string> {
  const { formatProgramHelp } = await import('./docs/help.ts');
  return formatProgramHelp(await loadCommands(), textColumns(io));
}

/** Runs a command so that a defect is reported in one line. It ends the command, unless that outlives defects. */
function runGuarded(command: CommandSpec, args: Arguments, context: ProgramContext): Promise<number> {
  const { io, ui } = context;
  return new Promise((resolve, reject) => {
    const onDefect = command.outlivesDefects === true ? (error: unknown) => void fail(ui, error) : reject;
    io.on('uncaughtException', onDefect);
    io.on('unhandledRejection', onDefect);
    command.run(args, context).then(resolve, reject);
  });
}

async function printHelp({ io, ui }: CommandContext, command: CommandSpec, which: 'common' | 'all'): Promise<number> {
  const { formatCommandHelp } = await import('./docs/help.ts');
  ui.print(formatCommandHelp(command, which, textColumns(io)));
  return 0;
}
