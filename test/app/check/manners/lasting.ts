import { echo, echoAfter } from '../../../support/targets/plain.ts';
import { through, type Manner } from './ways.ts';

/** What happens to tunnels that are open. */
export const lasting: readonly Manner[] = [
  {
    name: 'cuts silent tunnels (`--deep --idle`)',
    start: through(echo, { idleMs: 900 }, { idleMs: 20_000, deep: true }),
    says: [
      '[!] idle       a tunnel without a byte was cut after',
      'a tunnel that carried bytes was not cut: it is a limit on silence',
      '-> ssh -o ServerAliveInterval=1',
    ],
    exit: 0,
  },
  {
    name: 'lets silent tunnels live (`--idle`)',
    start: through(echo, {}, { idleMs: 300 }),
    says: ['[✓] idle       a tunnel without a byte for 300ms is still open'],
    exit: 0,
  },
  {
    name: 'holds answers back (`--deep`)',
    start: through(echo, { holdMs: 400 }, { deep: true, patienceMs: 3000 }),
    says: [
      '[!] buffering  answers are held back: an echo of 12 bytes took',
      '[✓] half-close kept: an answer arrives whole after our end',
    ],
    exit: 0,
  },
  {
    name: 'takes the end of one half for the end of both (`--deep`)',
    start: through(echoAfter(20), { noHalfClose: true }, { deep: true }),
    says: [
      '[✓] buffering  none: an echo took',
      '[!] half-close the end of our half ends the tunnel: the rest of an answer is lost',
      'a tunnel to box.example:22 opens through this proxy, but the end of one half ends it',
    ],
    exit: 0,
  },
  {
    name: 'keeps the halves apart (`--deep`)',
    start: through(echo, {}, { deep: true }),
    says: ['[✓] buffering  none: an echo took', '[✓] half-close kept: an answer arrives whole after our end'],
    exit: 0,
  },
];
