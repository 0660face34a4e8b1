import { usageError } from '../../core/errors.ts';
import { quote } from '../../syntax/text.ts';
import { outputGroup } from '../options/output.ts';
import type { CommandSpec } from '../parse/command.ts';

/** `tunl passwd`: writes a user and a password into a file for `--auth-file`. */
export const passwd: CommandSpec = {
  name: 'passwd',
  forms: ['FILE USER'],
  summary: 'add a user to a file for --auth-file, or change the password',
  examples: [
    {
      what: 'a user of a proxy, for tunl serve --auth-file users; the password is asked for',
      line: 'tunl passwd users alice',
    },
  ],
  groups: [outputGroup],
  completes: 'file',
  run: async ({ operands }, { io, ui }) => {
    const [path, user, ...others] = operands;
    if (path === undefined || user === undefined)
      throw usageError(`the ${path === undefined ? 'file' : 'user'} is missing`, 'write tunl passwd FILE USER');
    const [extra] = others;
    // Never quoted: it may be the password.
    if (extra !== undefined)
      throw usageError('there is a word too many', 'write tunl passwd FILE USER; the password is asked for');
    const [{ hasUser, setPassword }, { createAsk }] = await Promise.all([
      import('../../app/commands/passwd.ts'),
      import('../process/ask.ts'),
    ]);
    const isKnown = hasUser({ path, user });
    const ask = createAsk({ env: io.env, askpassStderr: ui.output.form === 'json' ? 'ignore' : 'inherit' });
    const password = await ask(`${isKnown ? 'New password' : 'Password'} of ${quote(user)}:`);
    if (password === undefined)
      throw usageError('there is no terminal to ask for the password', 'SSH_ASKPASS may name a program that gives it');
    if ((await ask('Once more:')) !== password) throw usageError('the two passwords differ; nothing was written');
    await setPassword({ path, user }, password);
    ui.say('normal', `${isKnown ? 'changed the password of' : 'added'} ${quote(user)} in ${path}`);
    return 0;
  },
};
