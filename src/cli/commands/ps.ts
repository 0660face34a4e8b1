import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';
import { outputGroup } from '../options/output.ts';
import type { CommandSpec } from '../parse/command.ts';
import { flag } from '../parse/option.ts';

const namesOption = flag('names', { summary: 'list only the names, one on a line' });

/** `tunl ps`: lists what runs in the background. */
export const ps: CommandSpec = {
  name: 'ps',
  forms: ['[--names | --json]'],
  summary: 'list what runs in the background',
  examples: [
    { what: 'what runs in the background?', line: 'tunl ps' },
    { what: 'the same for programs', line: 'tunl ps --json' },
  ],
  groups: [{ title: 'What to tell', options: [namesOption] }, outputGroup],
  run: async (args, { io, ui }) => {
    const [extra] = args.operands;
    if (extra !== undefined) throw usageError(`unexpected argument ${quote(extra)}`, 'tunl ps lists everything');
    const { listInstances } = await import('../../app/commands/instances.ts');
    const found = await listInstances(io.env);
    if (args.get(namesOption)) {
      ui.print(found.map(({ name }) => `${name}\n`).join(''));
      return 0;
    }
    if (ui.output.form === 'json') {
      const instances = found.map(({ name, status }) => status ?? { version: 1, name, state: 'silent' });
      ui.print(`${JSON.stringify({ version: 1, instances })}\n`);
    } else if (found.length === 0) ui.say('normal', 'nothing runs in the background; --detach starts it');
    else {
      const { formatInstances } = await import('../terminal/instances.ts');
      ui.print(formatInstances(found));
    }
    return 0;
  },
};
