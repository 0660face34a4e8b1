import { usageError } from '../../core/errors.ts';
import { parseInstanceName } from '../../app/commands/instance-name.ts';
import { outputGroup } from '../options/output.ts';
import type { CommandSpec } from '../parse/command.ts';
import { flag } from '../parse/option.ts';

const followOption = flag('follow', { short: 'f', summary: 'go on with what is added, until it ends' });

/** `tunl logs`: prints what a process in the background has said. */
export const logs: CommandSpec = {
  name: 'logs',
  forms: ['NAME'],
  summary: 'print what a tunl in the background has said, also one that has ended',
  examples: [
    { what: 'what has it said?', line: 'tunl logs db' },
    { what: 'what does it say?', line: 'tunl logs db -f' },
  ],
  groups: [{ title: 'What to print', options: [followOption] }, outputGroup],
  completes: 'instance',
  run: async (args, { io, ui }) => {
    const [word, ...others] = args.operands;
    if (word === undefined || others.length > 0) throw usageError('one name is needed', 'tunl ps lists the names');
    const name = parseInstanceName(word);
    const { readInstanceLog } = await import('../../app/commands/instances.ts');
    for await (const piece of readInstanceLog(name, io.env, args.get(followOption))) {
      if ((await ui.printBytes(piece)) === 'closed') break;
    }
    return 0;
  },
};
