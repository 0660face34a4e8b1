import { administration } from './administration.ts';
import type { Block, Section } from './roff.ts';

/** The parts of a command's page that are not made from its options. */
interface Prose {
  readonly description: readonly Block[];
  readonly sections?: readonly Section[];
}

const listening: Section = {
  title: 'SIGNALS',
  blocks: [
    {
      term: '`SIGINT`, `SIGTERM`',
      text: 'The first stops accepting and lets open tunnels finish for as long as `--grace` says. The exit status is 0 when all did. A second one cuts them, and the status is 128 and the number of the first.',
    },
    {
      term: 'The terminal goes away',
      text: 'The program drains as with SIGTERM and ends by SIGHUP (129), however well all ended. Who was detached from it, as by nohup, takes no notice.',
    },
    { term: '`SIGUSR2`', text: 'Prints the open tunnels: a table on a terminal, else one line for each.' },
  ],
};

/** The prose of each command's page. */
export const commandProse: Readonly<Record<string, Prose>> = {
  connect: {
    description: [
      'Opens one tunnel to the target and joins it to standard input and standard output. Standard output carries what the target sends and nothing else, so that ssh, git and scripts can use it as they would use a socket.',
      'When standard input ends, the target is told so and may go on answering. When the target ends first, standard output is closed and standard input goes on to be sent, for as long as `--linger` says without progress; on a terminal the program ends at once.',
      'IPv6 addresses stand in brackets: `[2001:db8::1]:22`. Host and port may be two words, as `%h %p` of ssh gives them.',
    ],
    sections: [
      {
        title: 'AS A PROXYCOMMAND',
        blocks: [
          'ssh with `ControlPersist` gives its ProxyCommand the null device for standard error. One line that says why there is no tunnel goes to the terminal then; `-q` keeps it away. tunl passes bytes and no descriptor: `ProxyUseFdpass` stays `no`.',
        ],
      },
      {
        title: 'SIGNALS',
        blocks: [
          {
            term: '`SIGHUP`, `SIGINT`, `SIGTERM`',
            text: 'End the tunnel at once, with 128 and the number of the signal. ssh closes standard input and sends SIGHUP at a normal end: then what it sent still goes out, the tunnel ends cleanly within a second, and nothing is said.',
          },
        ],
      },
    ],
  },
  forward: {
    description: [
      'Opens a local listener for each SPEC. Each connection to it becomes a tunnel of its own to the target of that SPEC.',
      'The listeners are there once the lines `tunl: forwarding …` are printed. A proxy that is down does not end the program: the clients that come meanwhile are reset, with a line that says why, and later ones are served once it is back.',
      'With a command behind `--`, that command runs once every listener accepts, and the program ends with it and its exit status. The terminal, standard input and the signals belong to the command.',
    ],
    sections: [
      {
        title: 'SPEC',
        blocks: [
          {
            term: '[BIND:]PORT:HOST:HOSTPORT',
            text: 'as in `ssh -L`, which may also be written in front. Without BIND, and with `localhost`, the listener is on 127.0.0.1, which is what is told of it, and beside it on ::1; an empty one or `*` is every address.',
          },
          { term: ':HOST:HOSTPORT', text: 'a free port, which is printed.' },
          { term: '`unix:`PATH:HOST:HOSTPORT', text: 'a Unix socket.' },
          { term: '`fd:`N:HOST:HOSTPORT', text: 'a listening socket that was inherited.' },
          'In each of them `unix:`PATH may stand for HOST:HOSTPORT, where no proxy is on the way.',
        ],
      },
      {
        title: 'THE COMMAND',
        blocks: [
          {
            term: '`{port}`, `{host}`, `{addr}`',
            text: 'are replaced in its words by where the listener is; with several SPECs they are `{port1}`, `{port2}` and so on.',
          },
          {
            term: '`TUNL_PORT`, `TUNL_HOST`, `TUNL_ADDR`',
            text: 'are set in its environment; with several SPECs also `TUNL_PORT_1` and so on.',
          },
          'What it has sent still arrives. Once it has gone there is nobody left to read: what still comes is dropped, and its tunnels are closed when their targets end or after a second in which nothing moved, whatever `--half-close` says. A connection that another process still holds, which the command left behind, ends in the same way.',
        ],
      },
      {
        ...listening,
        blocks: [...listening.blocks, { term: '`SIGHUP`', text: 'Ends the program as SIGTERM does.' }],
      },
    ],
  },
  serve: {
    description: [
      'Is an HTTP proxy that opens tunnels: for CONNECT over HTTP/1.1 and HTTP/2 on one port, and for what its options add. It forwards no other request.',
      'On loopback every target is allowed unless a rule says otherwise. On any other address it refuses to start without users or `--client-ca`, unless `--open` is given, and special addresses are denied: loopback, private, link-local, those of metadata services.',
      'Each request leaves one record on standard error, refused or not.',
    ],
    sections: [
      {
        title: 'ADDRESS',
        blocks: [
          {
            term: '[BIND:]PORT',
            text: 'Without BIND on 127.0.0.1, with `localhost` beside it on ::1; an empty one or `*` is every address; port 0 is a free port.',
          },
          {
            term: '`unix:`PATH, `fd:`N',
            text: 'a Unix socket (`unix:@`NAME: of the abstract namespace of Linux), a listening socket that was inherited.',
          },
        ],
      },
      {
        title: 'RULES',
        blocks: [
          'A rule is PATTERN[:PORTS], such as `*.example.com:443,22`, `10.0.0.0/8:*` or `localhost:22`. As soon as there is one `--allow`, all that is not allowed is denied; `--deny` wins over it.',
          'Special addresses are opened by an address, a range or an exact name only, never by a wildcard. What is checked is the resolved address, and that address is dialled.',
        ],
      },
      {
        ...listening,
        blocks: [
          ...listening.blocks,
          { term: '`SIGHUP`', text: 'Reads certificates, keys and users again. Open tunnels live on.' },
        ],
      },
      administration,
    ],
  },
  chain: {
    description: [
      'Runs several stages in one process. Each stage has a listener and a job: to forward bytes to a target through proxies, to be a proxy itself, or to look at each HTTP request. `internal://`NAME leads from one stage to another in memory.',
      'A stage that does nothing but forward, without TLS, an idle limit or a log of its own, is fused with what leads to it: it costs nothing. `--check` says which ones are.',
      'In the form LISTEN NODE... TARGET each `internal://`NAME ends a stage and starts the stage of that name; the other NODEs are proxies, the nearest first, and `a|b` are alternatives.',
    ],
    sections: [
      {
        title: 'FILE',
        blocks: [
          'YAML with `stages` by name, `defaults` with `limits`, `retry` and `family` for those that say nothing else, `admin` as `--admin`, and `internal-buffer`, how much each internal listener holds. A JSON Schema for editors is in the package: `docs/chain.schema.json`. Relative paths start from the folder of the file.',
          {
            term: '`listen`',
            text: '[BIND:]PORT, `unix:`PATH, `fd:`N or `internal://`NAME, one or a list. Without it the stage listens on its own name.',
          },
          {
            term: '`to`, `balance`',
            text: 'HOST:PORT, `unix:`PATH or `internal://`NAME, one or a list of which `first` or `round-robin` takes one.',
          },
          {
            term: '`via`',
            text: 'The way: a URL, `a|b`, a list in travel order, or `url` with `password` and `headers`. `internal://`NAME in front leads to the proxies through a stage.',
          },
          {
            term: '`proxy`',
            text: '`true`, or `accept`, `users`, `allow`, `deny`, `open`, `max-tunnels` (`-per-client`, `-per-session`) and `proxy-protocol` as the options of serve. With `statuses: envoy` it refuses as Envoy does: 503 where nobody is, 404 for what is no tunnel.',
          },
          {
            term: '`http`',
            text: '`routes`, of which the first that fits is taken: `path`, `prefix` or `connect: true`, with `method` and `headers`; then `answer: 200 ok`, `to` an upstream or a target for requests, or `tunnel-to` for the bytes inside a tunnel. `field::authority` is the place that a request asks for. `hosts` has routes by host, and `upstreams` what needs `via`, `http2`, `tls`, `balance` or limits.',
          },
          {
            term: '`tls`, `limits`, `retry`, `family`, `log`, `access-log`',
            text: 'As the options of the same names; `retry` may be `times`, `base`, `max` and `on: any`, and `lifetime` in `limits` ends what is too old. `log` writes a record of its own for each tunnel, `access-log` a line to a file, or to `path` with a `format`.',
          },
          {
            term: '`${NAME}`, `file:`PATH',
            text: 'A variable of the environment in any text, and for a password the first line of a file. A password that is written out is refused.',
          },
        ],
      },
      {
        title: 'FILES OF ENVOY',
        blocks: [
          'A file with `static_resources` is a bootstrap file of Envoy, in YAML or JSON. Each listener with a TcpProxy or an HttpConnectionManager becomes a stage; `--print` shows which. Relative paths start from where the program runs, as with Envoy. `docs/envoy-fields.md` in the package lists what is done with each field.',
          'What Envoy refuses is refused, and what tunl does not run too, each with its line and column. The limit of five minutes that Envoy sets to tunnels that move nothing holds only where it is written.',
        ],
      },
      {
        ...listening,
        blocks: [
          ...listening.blocks,
          {
            term: '`SIGHUP`',
            text: 'Reads the file again. Open tunnels live on; when the file is wrong the stages run on as they were. Without `-c` it ends the program as SIGTERM does.',
          },
        ],
      },
      administration,
    ],
  },
  completion: {
    description: [
      'Prints the script that teaches a shell the words of `tunl`. The scripts are also part of the package, in the folder `completions`.',
    ],
  },
  help: {
    description: ['Prints the help of the program, of a command, or the table of exit statuses.'],
  },
};

/** The prose of the program's own page. */
export const programProse: {
  readonly description: readonly Block[];
  readonly proxies: readonly Block[];
  readonly settings: Block;
  readonly sections: readonly Section[];
} = {
  description: [
    'Opens tunnels for any bytes through HTTP proxies, one or many in a row, and is such a proxy.',
    'Bytes arrive as they were sent. A half that ends does not end the other, a reset stays a reset, and the exit status says what went wrong.',
    'Standard output carries data only. Everything that is said goes to standard error: an error is one line, and hints follow. With `--json` each line there is one JSON object.',
  ],
  proxies: [
    '`-x` URL names a proxy. Several of them are passed through in the order in which they are given, the nearest first. `a|b` in one of them are alternatives: the next is tried after a failure that it may not share. A bare HOST:PORT is `http://`. The first of them may be on a Unix socket: `unix:/run/proxy.sock`, or `https://unix:/run/proxy.sock?servername=NAME` in the place of host and port.',
    'User and password stand in the URL, percent-encoded byte by byte, so that `%F6` is one byte. A proxy that takes a key and no password is named `http://KEY:@proxy`. A user without a password gets one from the first of these that has it: `TUNL_PROXY_PASSWORD`, `--password-file`, `~/.netrc`, a question on the terminal or through `SSH_ASKPASS`.',
  ],
  settings:
    'Settings of one proxy stand in the query of its URL, percent-encoded: `https://proxy?cacert=ca.pem&header=X-Team:%20db`. `header=@FILE` is each line of a file, which keeps a token out of the list of processes. Options of the same names hold for every proxy that does not set its own.',
  sections: [
    {
      title: 'ENVIRONMENT',
      blocks: [
        {
          term: '`https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`, `http_proxy`',
          text: 'The first that is set and not empty is the proxy of connect and forward where there is neither `-x` nor `--direct`.',
        },
        {
          term: '`no_proxy`, `NO_PROXY`',
          text: 'Targets that are reached without it: names and what is below them, addresses, ranges (10.0.0.0/8, 10.*), <local> for names without a dot, any of these with a port, or `*` alone.',
        },
        {
          term: '`TUNL_PROXY_PASSWORD`',
          text: 'Password of the proxy whose URL has a user and none, also an empty one; for several of them `TUNL_PROXY_PASSWORD_1` and so on.',
        },
        { term: '`TUNL_SERVE_PASSWORD`', text: 'Password of `serve --user`.' },
        {
          term: '`TUNL_KEY_PASSWORD`',
          text: 'Password of every encrypted key, and of PKCS #12, that has no `key-password-file` of its own.',
        },
        {
          term: '`SSL_CERT_FILE`, `SSL_CERT_DIR`',
          text: "Authorities to trust instead of the system's: a PEM file, and folders of hashed names.",
        },
        { term: '`NETRC`', text: 'The file that is read instead of `~/.netrc`.' },
        {
          term: '`SSH_ASKPASS`, `SSH_ASKPASS_REQUIRE`',
          text: 'The program that asks for a password, and when, as for ssh.',
        },
        { term: '`NO_COLOR`', text: 'No colours, where it is set and not empty.' },
      ],
    },
  ],
};
