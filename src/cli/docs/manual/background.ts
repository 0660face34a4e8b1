import type { Block, Section } from './roff.ts';

/** The prose of the pages about what runs in the background. */
export const backgroundProse: {
  readonly [command in 'ps' | 'stop' | 'logs' | 'wait']: { readonly description: readonly Block[] };
} = {
  ps: {
    description: [
      'Lists what `--detach` has started and still runs: its name, its process, the listeners, the open tunnels, the bytes of all tunnels so far, the age, and the last tunnel that could not be opened. Each process is asked on its control socket; what a killed one has left is removed. With `--json` it prints one JSON object with all that they answer.',
    ],
  },
  stop: {
    description: [
      'Asks processes in the background to end, as SIGTERM does, and waits until they have: open tunnels may finish within the `--grace` that the process was started with. A second `stop` cuts them.',
    ],
  },
  logs: {
    description: [
      'Prints what a process in the background has said, with the time of each line. A log is rotated at 4 MiB, and the last three before it are kept and printed too. It stays when the process ends; the next one of the same name goes on in it.',
    ],
  },
  wait: {
    description: [
      'Waits until the process of this name listens, or until the address accepts a connection. An address may be one of any program; each try is a connection, which is closed at once. If that does not come within `--timeout`, the status is 28.',
    ],
  },
};

/** How a command that listens runs in the background, by itself or as a service of systemd, and what runs beside it. */
export const background: readonly Section[] = [
  {
    title: 'IN THE BACKGROUND',
    blocks: [
      'With `--detach` the program asks its questions, such as for a password, and returns once everything listens: with 0, or with the status and the message of the failure. What listens is a process of its own, without a terminal, in the same folder and with the same umask. It ends by `tunl stop` NAME, or by a signal. SIGHUP reads files again. nohup is no substitute: Node takes SIGHUP back from it.',
      'Passwords and URLs with users reach that process by a channel between the two, not by its arguments or its environment. `tunl-ps`(1), `tunl-logs`(1) and `tunl-wait`(1) tell of it.',
    ],
  },
  {
    title: 'AS A SERVICE OF SYSTEMD',
    blocks: [
      'In a unit with `Type=notify` and `NotifyAccess=all` the program tells systemd when everything listens, when it reads files again and when it stops accepting; with `WatchdogSec=`, which must be 10 seconds or more, also that it is alive. `systemd-notify`(1) sends each of these signs; where it is not on the PATH, `-v` says so and nothing else changes. `ExecReload=/bin/kill -HUP $MAINPID` reads files again.',
      'Sockets of a socket unit are `fd:3`, `fd:4` and so on, in the order of the unit. Commands that the program starts see nothing of what systemd gave to it.',
    ],
  },
  {
    title: 'COMMANDS AT THE START AND THE END',
    blocks: [
      '`--on-up` runs once everything listens, beside the tunnels; `--on-down` once nothing does. Both are run by `sh -c` without stdin, and what they write goes to stderr, with `--detach` to the log. Whatever they do, tunl does what it would do without them: a failure is a warning. A start that fails runs neither, and SIGHUP does not run them again.',
      '`TUNL_EVENT` is `up` or `down`, `TUNL_LISTEN` has what listens, one address a line, and `TUNL_PORT`, `TUNL_HOST` and `TUNL_ADDR` the first of them; `TUNL_PID` and `TUNL_NAME` are the process and its name in the background. `--on-down` also gets `TUNL_REASON`, what ended it, and `TUNL_EXIT_STATUS`. It has 10 seconds, and a signal that comes meanwhile ends it.',
    ],
  },
];

/** Where processes in the background leave what others find them by. */
export const backgroundFiles: Block = {
  term: '`~/.local/state/tunl`',
  text: "Entries and logs of processes in the background; with `XDG_STATE_HOME` it is there. Control sockets are in `tunl` below `XDG_RUNTIME_DIR`, or else in `run` here. These folders must be their owner's alone.",
};
