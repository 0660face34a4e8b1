import { usageError } from '../../core/errors.ts';
import { parseInstanceName } from '../../app/commands/instance-name.ts';
import { outputGroup } from '../options/output.ts';
import type { CommandSpec } from '../parse/command.ts';
import { flag } from '../parse/option.ts';

const allOption = flag('all', { summary: 'stop everything that runs in the background' });

/** `tunl stop`: ends what runs in the background. */
export const stop: CommandSpec = {
  name: 'stop',
  forms: ['NAME...', '--all'],
  summary: 'end what runs in the background, and wait until it has ended',
  examples: [
    { what: 'its tunnels may finish, within its --grace; a second stop cuts them', line: 'tunl stop db' },
    { what: 'everything', line: 'tunl stop --all' },
  ],
  groups: [{ title: 'What to end', options: [allOption] }, outputGroup],
  completes: 'instance',
  run: async (args, { io, ui }) => {
    const words = args.operands;
    const all = args.get(allOption);
    if (all && words.length > 0) throw usageError('--all and a NAME contradict each other');
    if (!all && words.length === 0) throw usageError('the name is missing', 'tunl ps lists the names; --all ends all');
    const asked = [...new Set(words.map(parseInstanceName))];
    const { listInstances, stopInstance } = await import('../../app/commands/instances.ts');
    const names = all ? (await listInstances(io.env)).map(({ name }) => name) : asked;
    if (names.length === 0) ui.say('normal', 'nothing runs in the background');
    // All of them are asked before the first is waited for; a name that is missing stops none of the others.
    const results = await Promise.allSettled(
      names.map(async (name) => {
        const { status, ended } = await stopInstance(name, io.env);
        const { tunnels } = status;
        if (tunnels > 0) ui.say('normal', `${name}: ${tunnels === 1 ? '1 tunnel' : `${tunnels} tunnels`} may finish`);
        await ended;
        ui.say('normal', `${name} has ended`);
      }),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return 0;
  },
};
