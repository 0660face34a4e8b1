import { backgroundFiles } from './background.ts';
import type { Block, Section } from './roff.ts';

/** The section about the configuration of the user. */
export const configuration: Section = {
  title: 'CONFIGURATION',
  blocks: [
    'connect, forward and check read `~/.config/tunl/config.yaml`, with `XDG_CONFIG_HOME` the file `tunl/config.yaml` there, or the file that `TUNL_CONFIG` names. With `--no-config`, or if `TUNL_CONFIG` is empty, they read none. serve and chain never do. A JSON Schema for editors is in the package: `docs/config.schema.json`. The file must belong to the user or to root, and nobody else may be able to write it.',
    {
      term: '`proxies`',
      text: 'Proxies by name, for `-x @`NAME: a URL, a list in travel order, or `url` with `user`, `password`, `password-command`, `headers` and the settings of a URL as keys. A password is `${NAME}` for an environment variable, or `file:`PATH; without it, it is found as that of any other proxy.',
    },
    {
      term: '`forwards`',
      text: 'SPECs by name, for `tunl forward @`NAME: a SPEC, a list of them, or `spec` with `proxy`, the way to its target.',
    },
    {
      term: '`match`',
      text: 'Ways by target, of which the first that fits applies: `*.corp`, `db.corp:22`, `10.0.0.0/8`, `*:443`, as in `--allow`. The way is `direct`, a proxy, or a list of proxies. Names are not resolved, so ranges match literal addresses only.',
    },
    { term: '`defaults`', text: '`proxy`, the way to targets for which nothing else names one.' },
    'The way to a target is that of `-x` or `--direct`; else that of its forward; else that of the first `match` that fits; else that of the environment; else that of `defaults`, if NO_PROXY does not except the target. `-v` says which it was.',
  ],
};

/** The operand of forward that is a name of the configuration. */
export const namedSpec: Block = {
  term: '`@`NAME',
  text: 'the SPECs that the configuration has under this name in `forwards`.',
};

/** The section about the files of a user. */
export const files: Section = {
  title: 'FILES',
  blocks: [
    { term: '`~/.config/tunl/config.yaml`', text: 'The configuration; with `XDG_CONFIG_HOME` it is there.' },
    {
      term: '`~/.cache/tunl`',
      text: 'Copies of PAC files, what `connect` has learned of proxies that ask who we are (no secrets), and compiled code of tunl itself, which makes the next start faster with Node 22.1 and later; with `XDG_CACHE_HOME` it is there. It is made and read only in a home of the same user, and may be removed at any time.',
    },
    backgroundFiles,
  ],
};
