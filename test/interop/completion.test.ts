import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { schemes } from '../../src/carriers/index.ts';
import type { Command } from './support/process.ts';
import { openScreen, type Screen } from './support/screen.ts';
import { tunl } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';
import { commands } from '../support/harness/command-line.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A real shell that has our completions as packages install them. */
interface Shell {
  readonly name: string;
  /** Prepares the home folder. */
  prepare(home: string): void;
  readonly command: Pick<Command, 'file' | 'args'>;
  /** Presses of the tab key after which all candidates are on the screen. */
  readonly tabsToList: number;
  /** True if the shell lists each candidate with its meaning. */
  readonly describes: boolean;
}

const shells: readonly Shell[] = [
  {
    name: 'bash with bash-completion',
    prepare: (home) => {
      const folder = join(home, '.local/share/bash-completion/completions');
      mkdirSync(folder, { recursive: true });
      copyFileSync(join(root, 'completions/tunl.bash'), join(folder, 'tunl.bash'));
      writeFileSync(join(home, '.bashrc'), `PS1='% '; . /usr/share/bash-completion/bash_completion\n`);
    },
    command: { file: 'bash', args: ['-i'] },
    tabsToList: 2,
    describes: false,
  },
  {
    name: 'zsh',
    prepare: (home) => {
      mkdirSync(join(home, 'functions'));
      copyFileSync(join(root, 'completions/_tunl'), join(home, 'functions/_tunl'));
      const setup = `PS1='%% '; fpath=(~/functions $fpath); autoload -U compinit; compinit -u -D`;
      writeFileSync(join(home, '.zshrc'), `${setup}\n`);
    },
    command: { file: 'zsh', args: ['-d', '-i'] },
    tabsToList: 1,
    describes: true,
  },
  {
    name: 'fish',
    prepare: (home) => {
      const folder = join(home, '.config/fish');
      mkdirSync(join(folder, 'completions'), { recursive: true });
      copyFileSync(join(root, 'completions/tunl.fish'), join(folder, 'completions/tunl.fish'));
      writeFileSync(join(folder, 'config.fish'), `function fish_prompt; echo '% '; end; set -g fish_greeting\n`);
    },
    command: { file: 'fish', args: ['-i'] },
    tabsToList: 1,
    describes: true,
  },
];

const configuration = 'proxies: { work: http://proxy.example:8080 }\nforwards: { staging: :db.example:5432 }\n';

/** A home with the program, hosts that ssh knows and a file. */
function makeHome(): string {
  const home = makeFolder('home');
  mkdirSync(join(home, 'bin'));
  symlinkSync(join(root, 'dist/main.js'), join(home, 'bin/tunl'));
  mkdirSync(join(home, '.ssh'));
  writeFileSync(join(home, '.ssh/config'), 'Host configured.example\n  User me\n');
  writeFileSync(join(home, '.ssh/known_hosts'), 'known.example ssh-ed25519 AAAA\n');
  writeFileSync(join(home, 'authority.pem'), '');
  mkdirSync(join(home, '.config/tunl'), { recursive: true });
  writeFileSync(join(home, '.config/tunl/config.yaml'), configuration, { mode: 0o600 });
  return home;
}

async function openShell({ command, prepare }: Shell, home = makeHome()): Promise<Screen> {
  prepare(home);
  const path = `${home}/bin:${process.env['PATH']}:/usr/bin:/bin`;
  const env = {
    HOME: home,
    PATH: path,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local/share'),
  };
  const screen = await openScreen({ ...command, env, cwd: home }, { columns: 140, rows: 60 });
  onTestFinished(screen.stop);
  await screen.waitFor(/^%/m);
  return screen;
}

/** Types the beginning of a line, and the tab key so often. */
async function complete(screen: Screen, line: string, tabs = 1): Promise<void> {
  await screen.type(line);
  await screen.press(...Array.from({ length: tabs }, () => 'Tab'));
}

const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

describe.each(shells)('$name', (shell) => {
  test.each([
    ['a command', 'tunl f', 'tunl forward'],
    ['an option', 'tunl forward --port', 'tunl forward --port-file'],
    ['a scheme', 'tunl connect -x htt', 'tunl connect -x http'],
    ['a scheme with a plus', 'tunl connect -x post+h2c', 'tunl connect -x post+h2c://'],
    ['a scheme behind =', 'tunl connect --proxy=hb', 'tunl connect --proxy=hbone://'],
    ['a host of the configuration of ssh', 'tunl connect conf', 'tunl connect configured.example:'],
    ['a host that ssh has seen', 'tunl connect kno', 'tunl connect known.example:'],
    ['the host of a proxy', 'tunl connect -x https://conf', 'tunl connect -x https://configured.example'],
    ['the host of a SPEC', 'tunl forward 5432:kno', 'tunl forward 5432:known.example:'],
    ['a file', 'tunl connect --cacert auth', 'tunl connect --cacert authority.pem'],
    ['a file behind =', 'tunl connect --cacert=auth', 'tunl connect --cacert=authority.pem'],
    ['a shell', 'tunl completion fi', 'tunl completion fish'],
    ['a topic', 'tunl help exit', 'tunl help exit-codes'],
    ['a topic that is no command', 'tunl help lic', 'tunl help licenses'],
    ['a proxy of the configuration', 'tunl connect -x @wo', 'tunl connect -x @work'],
    ['a forward of the configuration', 'tunl forward @sta', 'tunl forward @staging'],
    ['a host to wait for', 'tunl wait kno', 'tunl wait known.example:'],
    ['a command of its own', 'tunl forward :db:1 -- ssh-keyg', 'tunl forward :db:1 -- ssh-keygen'],
    ['a file of that command', 'tunl forward :db:1 -- cat auth', 'tunl forward :db:1 -- cat authority.pem'],
  ])('completes %s: %s', async (_what, line, completed) => {
    const screen = await openShell(shell);
    await complete(screen, line);
    await screen.waitFor(new RegExp(`^% ${escape(completed)}`, 'm'));
  });

  test.each(['stop', 'logs', 'wait'])('offers %s the names of what runs in the background', async (command) => {
    const home = makeHome();
    const env = { HOME: home, XDG_STATE_HOME: join(home, '.local/state') };
    onTestFinished(async () => void (await tunl(['stop', '--all'], { env })));
    await tunl(['serve', '127.0.0.1:0', '--detach', '--name', 'office'], { env });
    const screen = await openShell(shell, home);
    await complete(screen, `tunl ${command} of`);
    await screen.waitFor(new RegExp(`^% tunl ${command} office`, 'm'));
  });

  test('offers every command', async () => {
    const screen = await openShell(shell);
    await complete(screen, 'tunl ', shell.tabsToList);
    for (const { name, summary } of commands) {
      const meaning = shell.describes ? `.*${escape(summary.slice(0, 20))}` : '';
      await screen.waitFor(new RegExp(`(?:^|\\s)${name}\\b${meaning}`, 'm'));
    }
  });

  test('offers every scheme of the registry after -x', async () => {
    const screen = await openShell(shell);
    await complete(screen, 'tunl connect -x ', shell.tabsToList);
    for (const { scheme, summary } of schemes) {
      const meaning = shell.describes ? `.*${escape(summary.slice(0, 20))}` : '';
      await screen.waitFor(new RegExp(`(?:^|\\s)${escape(scheme)}://${meaning}`, 'm'));
    }
  });

  test('offers the options that begin with --p, and those only', async () => {
    const screen = await openShell(shell);
    await complete(screen, 'tunl forward --p', shell.tabsToList);
    for (const name of ['--password-file', '--pin', '--port-file', '--proxy', '--proxy-header']) {
      await screen.waitFor(new RegExp(`(?:^|\\s)${name}(?:\\s|=|$)`, 'm'));
    }
    const shown = await screen.read();
    expect(shown).not.toMatch(/--cacert|--check/);
    if (shell.describes) expect(shown).toMatch(/--port-file.*write the port/);
  });

  test('offers what an option takes', async () => {
    const screen = await openShell(shell);
    // The first tab brings what the candidates have in common.
    await complete(screen, 'tunl serve --proxy-protocol ', 1 + shell.tabsToList);
    await screen.waitFor(/v1\s.*v2|v1\s*\n\s*v2/);
  });
});

test('bash without bash-completion completes what it can', async () => {
  const home = makeHome();
  const screen = await openShell(
    {
      ...(shells[0] as Shell),
      prepare: () => writeFileSync(join(home, '.bashrc'), `PS1='% '; source <(tunl completion bash)\n`),
    },
    home,
  );
  await complete(screen, 'tunl forward --chec');
  await complete(screen, '-x hb');
  await screen.waitFor(/^% tunl forward --check -x hbone:\/\//m);
  await complete(screen, 'kno -- ssh-keyg');
  await complete(screen, 'auth');
  await screen.waitFor(/hbone:\/\/kno -- ssh-keygen authority\.pem/);
});
