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
      'through a proxy of your own behind it (tunl serve --tls --resume 10m) it goes on after that',
      String.raw`ssh -o ServerAliveInterval=1 -o ProxyCommand='tunl connect -x http://proxy -x '\''https://YOUR-BOX:443?resume=10m'\'' %h:%p' box.example`,
    ],
    exit: 0,
  },
  {
    name: 'cuts tunnels whatever they carry (`--deep --idle`)',
    start: through(echo, { lifeMs: 900 }, { idleMs: 20_000, deep: true, port: 7 }),
    says: [
      '[!] idle       a tunnel without a byte was cut after',
      'a tunnel that carried bytes was cut too: it is a limit on the time of any tunnel, or the target ended both',
      "-> tunnels of tunl serve --tls --resume 10m behind it go on when they are cut: -x 'https://YOUR-BOX:443?resume=10m'",
      "tunl connect -x http://proxy -x 'https://YOUR-BOX:443?resume=10m' box.example:7",
    ],
    exit: 0,
  },
  {
    name: 'is a `tunl serve` whose tunnels are cut (`--idle`)',
    start: through(echo, { idleMs: 900, fields: ['Tunl-Half-Close: 1'] }, { idleMs: 20_000, port: 7 }),
    says: [
      'it goes on after that if the proxy runs with --resume 10m',
      "tunl connect -x 'http://proxy?resume=10m' box.example:7",
    ],
    exit: 0,
  },
  {
    name: 'stands before a `tunl serve`, and cuts silent tunnels (`--idle`)',
    start: through(echo, { idleMs: 900, fields: ['Tunl-Half-Close: 1', 'Via: 1.1 edge'] }, { idleMs: 20_000, port: 7 }),
    says: ["tunl connect -x http://proxy -x 'https://YOUR-BOX:443?resume=10m' box.example:7"],
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
      '-> tunl serve --tls behind it keeps the halves apart: -x https://YOUR-BOX:443',
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
