import { usageError } from '../../core/errors.ts';
import type { CommandSpec } from '../parse/command.ts';
import { flag } from '../parse/option.ts';
import { outputGroup } from '../options/output.ts';
import { suggest } from '../../syntax/suggest.ts';
import { quote } from '../../syntax/text.ts';
import { textColumns } from '../terminal/io.ts';

const manOption = flag('man', { summary: 'print the manual page, for man -l - or a file' });

/** The topics that are no command. */
const texts: readonly string[] = ['exit-codes', 'licenses'];

/** `tunl help`: prints the help of a command, the table of exit codes, licences, or a manual page. */
export const help: CommandSpec = {
  name: 'help',
  forms: ['[COMMAND|exit-codes|licenses]', '--man [COMMAND]'],
  summary: 'print help, also about exit-codes',
  examples: [
    { what: 'about a command', line: 'tunl help forward' },
    { what: 'what an exit status means', line: 'tunl help exit-codes' },
    { what: 'the manual, where it is not installed', line: 'tunl help --man forward | man -l -' },
    { what: 'the licences of what is part of tunl', line: 'tunl help licenses' },
  ],
  groups: [{ title: 'Manual', options: [manOption] }, outputGroup],
  completes: texts,
  run: async (args, { io, ui, loadCommands }) => {
    const [topic, extra] = args.operands;
    if (extra !== undefined) throw usageError(`unexpected argument ${quote(extra)}`);
    const commands = await loadCommands();
    const columns = textColumns(io);
    const command = commands.find(({ name }) => name === topic);
    if (topic !== undefined && !command && (args.get(manOption) || !texts.includes(topic)))
      throw noHelp(topic, commands);
    if (args.get(manOption)) {
      const { readPackageFile } = await import('../docs/package-file.ts');
      ui.print(await readPackageFile(command ? `man/tunl-${command.name}.1` : 'man/tunl.1'));
      return 0;
    }
    if (topic === 'licenses') {
      const { readPackageFile } = await import('../docs/package-file.ts');
      ui.print(await readPackageFile('dist/licenses.txt'));
      return 0;
    }
    const { formatCommandHelp, formatProgramHelp } = await import('../docs/help.ts');
    const { formatExitCodes } = await import('../docs/exit-codes.ts');
    if (command) ui.print(formatCommandHelp(command, 'common', columns));
    else ui.print(topic === undefined ? formatProgramHelp(commands, columns) : formatExitCodes(columns));
    return 0;
  },
};

function noHelp(topic: string, commands: readonly CommandSpec[]): Error {
  const near = suggest(topic, [...commands.map(({ name }) => name), ...texts]);
  return usageError(
    `there is no help on ${quote(topic)}`,
    near ? `did you mean ${near}?` : 'tunl help lists the commands',
  );
}
