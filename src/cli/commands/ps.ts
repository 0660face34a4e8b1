import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';
import { outputGroup } from '../options/output.ts';
import type { CommandSpec } from '../parse/command.ts';

/** `tunl ps`: lists what runs in the background. */
export const ps: CommandSpec = {
  name: 'ps',
  forms: ['[--json]'],
  summary: 'list what runs in the background',
  examples: [
    { what: 'what runs in the background?', line: 'tunl ps' },
    { what: 'the same for programs', line: 'tunl ps --json' },
  ],
  groups: [outputGroup],
  run: async ({ operands }, { io, ui }) => {
    const [extra] = operands;
    if (extra !== undefined) throw usageError(`unexpected argument ${quote(extra)}`, 'tunl ps lists everything');
    const { listInstances } = await import('../../app/commands/instances.ts');
    const found = await listInstances(io.env);
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
