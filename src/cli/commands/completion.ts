import { usageError } from '../../core/errors.ts';
import type { CommandSpec } from '../parse/command.ts';
import { outputGroup } from '../options/output.ts';
import { suggest } from '../../syntax/suggest.ts';
import { quote } from '../../syntax/text.ts';

const shells = ['bash', 'zsh', 'fish'];

/** `tunl completion`: prints the completion script for a shell. */
export const completion: CommandSpec = {
  name: 'completion',
  forms: ['bash|zsh|fish'],
  summary: 'print the completions for a shell',
  examples: [
    { what: 'bash, in ~/.bashrc', line: 'source <(tunl completion bash)' },
    { what: 'zsh, in a folder of $fpath', line: 'tunl completion zsh > ~/.zfunc/_tunl' },
    { what: 'fish', line: 'tunl completion fish > ~/.config/fish/completions/tunl.fish' },
  ],
  groups: [outputGroup],
  completes: shells,
  run: async ({ operands, rest = [] }, { ui, loadCommands }) => {
    const [shell, extra] = [...operands, ...rest];
    if (shell === undefined) throw usageError('the shell is missing', 'write bash, zsh or fish');
    if (extra !== undefined) throw usageError(`unexpected argument ${quote(extra)}`);
    const { formatCompletion } = await import('../docs/completion/index.ts');
    const script = formatCompletion(shell, await loadCommands());
    if (script === undefined) {
      const near = suggest(shell, shells);
      throw usageError(
        `there are no completions for ${quote(shell)}`,
        near ? `did you mean ${near}?` : 'write bash, zsh or fish',
      );
    }
    ui.print(script);
    return 0;
  },
};
