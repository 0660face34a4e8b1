import { usageError } from '../../core/errors.ts';
import { single } from '../../core/program.ts';
import type { CommandSpec, ProgramContext } from '../parse/command.ts';
import { outputGroup } from '../options/output.ts';
import { suggest } from '../../syntax/suggest.ts';
import { quote } from '../../syntax/text.ts';

const shells = ['bash', 'zsh', 'fish'];

/** The scripts that the single executable contains. */
const files: Readonly<Record<string, string>> = {
  bash: 'completions/tunl.bash',
  zsh: 'completions/_tunl',
  fish: 'completions/tunl.fish',
};

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
  run: async ({ operands }, { ui, loadCommands }) => {
    const [shell, extra] = operands;
    if (shell === undefined) throw usageError('the shell is missing', 'write bash, zsh or fish');
    if (extra !== undefined) throw usageError(`unexpected argument ${quote(extra)}`);
    const script = single ? await readScript(shell) : await formatScript(shell, loadCommands);
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

async function readScript(shell: string): Promise<string | undefined> {
  const { readPackageFile } = await import('../docs/package-file.ts');
  const file = Object.hasOwn(files, shell) ? files[shell] : undefined;
  return file && readPackageFile(file);
}

async function formatScript(shell: string, loadCommands: ProgramContext['loadCommands']): Promise<string | undefined> {
  const { formatCompletion } = await import('../docs/completion/index.ts');
  return formatCompletion(shell, await loadCommands());
}
