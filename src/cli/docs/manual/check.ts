import type { Block, Section } from './roff.ts';

/** The prose of the page about `tunl check`. */
export const checkProse: { readonly description: readonly Block[]; readonly sections: readonly Section[] } = {
  description: [
    'Examines the way to a target and prints a line for each question: where the proxy comes from and whether it answers, what it asks for, which login it accepts, whether it opens a tunnel to the target, whether bytes and TLS pass in it. Below a line stand causes, and remedies after `->`. The last lines say what works, and what to type.',
    '`[✓]` is well, `[!]` works with a flaw, `[✗]` does not work, `[ ]` was not measured. The exit status is that of the first failure that stops a tunnel, and 0 if none does. With `--json` standard output is one JSON object; its schema is `docs/check.schema.json` in the package.',
  ],
  sections: [
    {
      title: 'WHAT IS SENT',
      blocks: [
        'At most 12 connections are made, and nothing goes to hosts that are not named: the proxies, the target, and those of `--probe`. If the proxy refuses the target, it is asked for ports 443 and 22 of the same host. In the tunnel, a target that says nothing for a second gets the greeting of an ssh client, and a TLS handshake in a tunnel of its own. A password is sent once; if it is refused, nothing else is tried with it.',
        '`--deep` sends 200 kB to a target that echoes, to find out whether answers are held back and whether a tunnel survives the end of one half. `--idle` takes as long as it says. See `docs/check.md` in the package.',
      ],
    },
  ],
};
