import { usageError } from '../../core/errors.ts';
import type { CommandSpec } from '../parse/command.ts';
import { outputGroup } from '../options/output.ts';
import { suggest } from '../../syntax/suggest.ts';
import { quote } from '../../syntax/text.ts';
import { textColumns } from '../terminal/io.ts';

/** `tunl help`: prints the help of a command, or the table of exit codes. */
export const help: CommandSpec = {
  name: 'help',
  forms: ['[COMMAND|exit-codes]'],
  summary: 'print help, also about exit-codes',
  examples: [
    { what: 'about a command', line: 'tunl help forward' },
    { what: 'what an exit status means', line: 'tunl help exit-codes' },
  ],
  groups: [outputGroup],
  run: async ({ operands }, { io, ui, loadCommands }) => {
    const [topic, extra] = operands;
    if (extra !== undefined) throw usageError(`unexpected argument ${quote(extra)}`);
    const { formatCommandHelp, formatProgramHelp } = await import('../docs/help.ts');
    const { formatExitCodes } = await import('../docs/exit-codes.ts');
    const [commands, columns] = [await loadCommands(), textColumns(io)];
    const command = commands.find(({ name }) => name === topic);
    if (topic === undefined) ui.print(formatProgramHelp(commands, columns));
    else if (topic === 'exit-codes') ui.print(formatExitCodes(columns));
    else if (command) ui.print(formatCommandHelp(command, 'common', columns));
    else {
      const near = suggest(topic, [...commands.map(({ name }) => name), 'exit-codes']);
      throw usageError(
        `there is no help on ${quote(topic)}`,
        near ? `did you mean ${near}?` : 'tunl help lists the commands',
      );
    }
    return 0;
  },
};
