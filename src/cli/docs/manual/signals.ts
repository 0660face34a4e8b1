import type { Section } from './roff.ts';

/** The section about signals of a command that listens. */
export const listening: Section = {
  title: 'SIGNALS',
  blocks: [
    {
      term: '`SIGINT`, `SIGTERM`',
      text: 'The first one stops accepting and lets open tunnels finish within `--grace`. The exit status is 0 if all of them did. A second one cuts them, and the status is 128 plus the number of the first.',
    },
    {
      term: 'The terminal goes away',
      text: 'The program drains as with SIGTERM and ends by SIGHUP (129), even if all tunnels finished. A program that `--detach` has started, or that was detached from the terminal in another way, goes on.',
    },
    { term: '`SIGUSR2`', text: 'Prints the open tunnels, as a table on a terminal, else on one line each.' },
  ],
};
