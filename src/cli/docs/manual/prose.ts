import { administration } from './administration.ts';
import { background, backgroundProse } from './background.ts';
import { checkProse } from './check.ts';
import { configuration, files, namedSpec } from './configuration.ts';
import { listProxyKeys } from './keys.ts';
import { login } from './login.ts';
import { chooserProse, pacProse } from './pac.ts';
import type { Block, Section } from './roff.ts';
import { listening } from './signals.ts';
import { singleSignOn } from './single-sign-on.ts';
import { rules, users } from './policy.ts';

/** The parts of a command's page that are not made from its options. */
interface Prose {
  readonly description: readonly Block[];
  readonly sections?: readonly Section[];
}

/** The prose of each command's page. */
export const commandProse: Readonly<Record<string, Prose>> = {
  connect: {
    description: [
      'Opens one tunnel to the target and connects it to standard input and standard output. Standard output carries only the bytes of the target, so that ssh, git and scripts can use it like a socket.',
      'When standard input ends, the target sees the end and may still answer. When the target ends first, standard output is closed and standard input is still sent, until nothing has moved for `--linger`; on a terminal the program ends at once.',
      'IPv6 addresses are written in brackets: `[2001:db8::1]:22`. Host and port may be two words, such as `%h %p` of ssh.',
    ],
    sections: [
      {
        title: 'AS A PROXYCOMMAND',
        blocks: [
          'With `ControlPersist`, ssh gives its ProxyCommand the null device as standard error. If there is no tunnel, one line on the terminal then says why; `-q` suppresses it. tunl passes bytes, not a descriptor, so `ProxyUseFdpass` must be `no`.',
        ],
      },
      {
        title: 'SIGNALS',
        blocks: [
          {
            term: '`SIGHUP`, `SIGINT`, `SIGTERM`',
            text: 'End the tunnel at once, with status 128 plus the number of the signal. At a normal end ssh closes standard input and sends SIGHUP: its last bytes are still sent, the tunnel ends cleanly within a second, and nothing is printed.',
          },
        ],
      },
    ],
  },
  forward: {
    description: [
      'Opens a local listener for each SPEC. Each connection to it becomes a tunnel to the target of that SPEC, or, at a front, to the target that the client names.',
      'The listeners are open once the lines `tunl: forwarding …` are printed. A proxy that is down does not end the program: clients that connect meanwhile are reset, with a line that gives the reason, and later ones are served once it is back.',
      'A command after `--` runs once every listener is open, and the program ends with the command and its exit status. The terminal, standard input and the signals belong to the command.',
    ],
    sections: [
      {
        title: 'SPEC',
        blocks: [
          {
            term: '[BIND:]PORT:HOST:HOSTPORT',
            text: 'as in `ssh -L`, and `-L` itself may precede it. Without BIND, or with `localhost`, tunl listens on 127.0.0.1 and on ::1, and names the first; an empty BIND or `*` means all addresses.',
          },
          { term: ':HOST:HOSTPORT', text: 'a free port, which is printed.' },
          { term: '`unix:`PATH:HOST:HOSTPORT', text: 'a Unix socket.' },
          { term: '`fd:`N:HOST:HOSTPORT', text: 'an inherited listening socket.' },
          namedSpec,
          'In each form `unix:`PATH may replace HOST:HOSTPORT if no proxy is used.',
          {
            term: '`socks:`[BIND:]PORT, `http:`[BIND:]PORT, `any:`[BIND:]PORT',
            text: 'a front: a local proxy that speaks SOCKS 4, 4a and 5, or HTTP, or all of them on one port. Without an address it listens on a free port of loopback; `unix:`PATH and `fd:`N may stand in the place of the address. Names of targets are passed on to the last proxy; without a proxy they are resolved here, and the system is asked too.',
          },
        ],
      },
      {
        title: 'FRONTS',
        blocks: [
          'On loopback and on Unix sockets everyone on this machine may use a front. On any other address it refuses to start without `--auth-file` or `--user`, unless `--open` is given, and it denies special addresses unless a rule allows them. Listeners of tunl itself are never reached. SOCKS 4 has no passwords, so a front with users refuses it.',
          'Without `-x` a front takes its proxy from the environment as other SPECs do, but for all targets: it is for its clients to make the exceptions of NO_PROXY.',
        ],
      },
      {
        title: 'THE COMMAND',
        blocks: [
          {
            term: '`{port}`, `{host}`, `{addr}`',
            text: 'are replaced in its words by the address of the listener; with several SPECs they are `{port1}`, `{port2}` and so on.',
          },
          {
            term: '`TUNL_PORT`, `TUNL_HOST`, `TUNL_ADDR`',
            text: 'are set in its environment; with several SPECs also `TUNL_PORT_1` and so on.',
          },
          {
            term: '`http_proxy`, `https_proxy`, `all_proxy`, `HTTPS_PROXY`, `ALL_PROXY`',
            text: 'lead it to the first front, if there is one. The front then has a user with a random password, which is in these variables and nowhere else; `--user` names another one, and `--open` alone does without. HTTP_PROXY is replaced if it is set, and NO_PROXY stays as it is.',
          },
          'Bytes that it has sent still arrive. After its end nobody reads any more: further bytes from targets are dropped, and its tunnels are closed when their targets end, or when nothing has moved for a second, whatever `--half-close` is. A connection of a process that the command left behind ends in the same way.',
        ],
      },
      ...background,
      {
        ...listening,
        blocks: [
          ...listening.blocks,
          {
            term: '`SIGHUP`',
            text: 'Reads certificates, keys and the configuration again, if that was used. Open tunnels live on. With a command it goes to the command.',
          },
        ],
      },
    ],
  },
  serve: {
    description: [
      'Runs an HTTP proxy that opens tunnels: for CONNECT over HTTP/1.1 and HTTP/2 on one port, and for the protocols that its options add. It does not forward other requests.',
      'On loopback every target is allowed unless a rule denies it. On any other address it refuses to start without users or `--client-ca`, unless `--open` is given, and it denies special addresses: loopback, private, link-local, and metadata services.',
      'Each request leaves one record on standard error, refused or not.',
    ],
    sections: [
      {
        title: 'ADDRESS',
        blocks: [
          {
            term: '[BIND:]PORT',
            text: 'Without BIND tunl listens on 127.0.0.1, with `localhost` also on ::1; an empty BIND or `*` means all addresses; port 0 means a free port.',
          },
          {
            term: '`unix:`PATH, `fd:`N',
            text: 'a Unix socket (`unix:@`NAME for the abstract namespace of Linux), or an inherited listening socket.',
          },
        ],
      },
      rules,
      users,
      ...background,
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
      'Runs several stages in one process. Each stage has a listener and a job: to forward bytes to a target through proxies, to be a proxy itself, or to handle each HTTP request. `internal://`NAME connects one stage to another in memory.',
      'A stage that only forwards, without its own TLS, idle limit or log, is fused with the stage before it and costs nothing. `--check` shows which stages are.',
      'In the form LISTEN NODE... TARGET each `internal://`NAME ends a stage and starts the stage of that name; the other NODEs are proxies, the nearest first, and `a|b` are alternatives.',
    ],
    sections: [
      {
        title: 'FILE',
        blocks: [
          'YAML with `stages` by name, `defaults` with `limits`, `retry` and `family` for stages that have none, `admin` like `--admin`, and `internal-buffer` for the buffer of each internal listener. A JSON Schema for editors is in the package: `docs/chain.schema.json`. Relative paths start from the folder of the file.',
          {
            term: '`listen`',
            text: '[BIND:]PORT, `unix:`PATH, `fd:`N or `internal://`NAME, or a list of them. Without it the stage listens on its own name.',
          },
          {
            term: '`to`, `balance`',
            text: 'HOST:PORT, `unix:`PATH or `internal://`NAME, or a list from which `first` or `round-robin` chooses.',
          },
          {
            term: '`via`',
            text: 'The proxies: a URL, `a|b`, a list in travel order, or `url` with `password` and `headers`. `internal://`NAME at the beginning reaches them through a stage.',
          },
          {
            term: '`proxy`',
            text: `\`true\`, or ${listProxyKeys()} like the options of serve. With \`statuses: envoy\` it refuses with the statuses of Envoy: 503 if the target cannot be reached, 404 for requests that are not tunnels.`,
          },
          {
            term: '`http`',
            text: '`routes`, of which the first that fits applies: `path`, `prefix` or `connect: true`, with `method` and `headers`; then `answer: 200 ok`, `redirect` with `scheme`, `host`, `port`, `path` or `prefix` and `status`, `to` an upstream or a target for requests, or `tunnel-to` for the bytes inside a tunnel. `field::authority` is the target that the request names. `hosts` has routes by host, and `upstreams` has those that need `via`, `http2`, `tls`, `balance` or limits. `users`, `allow`, `deny` and `max-tunnels` (`-per-client`, `-per-session`) are those of `proxy`, and apply to requests too: rules judge the host and port that a request names, and a request without valid credentials gets 401, or 407 where the stage was used as a proxy. A request must pass all `screens`, or those of its route: each has `allow` or `deny` with policies by name, whose rules say `what` is asked for (`headers`, `path`, `port`, `reached`, `server-name`) and `who` asks (`client`, `identity`), joined by `all`, `some` and `not`. `screens` beside `http` or `to` judge connections.',
          },
          {
            term: '`tls`, `limits`, `retry`, `family`, `log`, `access-log`',
            text: 'Like the options of the same names; `retry` may have `times`, `base`, `max` and `on: any`, and `lifetime` in `limits` ends old tunnels. `log` writes a record for each tunnel, `access-log` a line to a file, or to `path` with a `format`. With `when` only for what meets all of its conditions, or all of one item of a list: `status: >= 500`, `took: >= 10s`, `flags: UF|UH`, and `headers` as in routes. `at: [asked, opened, ended]` writes lines at these moments, not only at the end.',
          },
          {
            term: '`${NAME}`, `file:`PATH',
            text: 'An environment variable in any text, and for a password also the first line of a file. A password in plain text is refused.',
          },
        ],
      },
      {
        title: 'FILES OF ENVOY',
        blocks: [
          'A file with `static_resources` is a bootstrap file of Envoy, in YAML or JSON. Each listener with a TcpProxy or an HttpConnectionManager becomes a stage; `--print` shows which. Relative paths start from the current folder, as in Envoy. `docs/envoy-fields.md` in the package lists how each field is handled.',
          'Fields that Envoy refuses, and those that tunl does not support, are errors with line and column. The limit of five minutes that Envoy has for idle tunnels applies only if the file has it.',
        ],
      },
      ...background,
      {
        ...listening,
        blocks: [
          ...listening.blocks,
          {
            term: '`SIGHUP`',
            text: 'Reads the file again. Open tunnels live on; if the file is wrong, the stages stay as they were. Without `-c` it ends the program as SIGTERM does.',
          },
        ],
      },
      administration,
    ],
  },
  check: checkProse,
  pac: pacProse,
  config: {
    description: [
      'Shows what the configuration of the user names, without secrets. `--check` reads all of it and says whether it is right, with line and column of what is not. `--explain` says through which proxies a target is reached, and what decides that; nothing is dialled. `tunl`(1) says what is in the file, under CONFIGURATION.',
    ],
  },
  passwd: {
    description: [
      'Writes a line of htpasswd for USER into FILE, which `--auth-file` reads: in place of the line that the user has, or behind all others. The password is asked for twice on the terminal, and hashed by bcrypt. It may have 72 bytes.',
      'The file is replaced as a whole, and keeps its owner and its permissions; a new one can be read by its owner alone. A running `tunl serve` reads it again after SIGHUP.',
    ],
  },
  ...backgroundProse,
  completion: {
    description: [
      'Prints the script with which a shell completes the words of `tunl`. The scripts are also part of the package, in the folder `completions`.',
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
    'Bytes arrive as they were sent. The end of one half does not end the other, a reset stays a reset, and the exit status tells what went wrong.',
    'Standard output carries data only. All messages go to standard error: an error is one line, and hints follow. With `--json` each line there is one JSON object.',
  ],
  proxies: [
    '`-x` URL names a proxy. Several proxies are used in the given order, the nearest first. `a|b` in one of them are alternatives: the next one is tried after a failure that it may not share. A bare HOST:PORT means `http://`. The first proxy may be on a Unix socket, whose path replaces host and port: `unix:/run/proxy.sock`, or `https://unix:/run/proxy.sock?servername=NAME`.',
    ...chooserProse,
    'User and password are part of the URL, percent-encoded byte by byte, so that `%F6` is one byte. A proxy with a key and no password is written `http://KEY:@proxy`. The password of a user without one comes from the first of these that has it: `TUNL_PROXY_PASSWORD`, `--password-file`, `~/.netrc`, `--password-command`, a question on the terminal or through `SSH_ASKPASS`. A command of one proxy is in its URL, `?password-command=`, and comes before all of them. It runs by `sh -c` without stdin, once in a process and within `--handshake-timeout`; its first line is the password. A URL of the environment or of a file of chain names none.',
  ],
  settings:
    'Settings of one proxy are in the query of its URL, percent-encoded: `https://proxy?cacert=ca.pem&header=X-Team:%20db`. `header=@FILE` adds each line of a file, which keeps a token out of the list of processes. Options of the same names apply to every proxy that does not set its own.',
  sections: [
    configuration,
    login,
    singleSignOn,
    {
      title: 'ENVIRONMENT',
      blocks: [
        {
          term: '`https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`, `http_proxy`',
          text: 'The first one that is set and not empty names the proxy of connect, forward and check, unless `-x`, `--direct` or the configuration does.',
        },
        {
          term: '`no_proxy`, `NO_PROXY`',
          text: 'Targets that are reached without that proxy: names and all names below them, addresses, ranges (10.0.0.0/8, 10.*), <local> for names without a dot, any of these with a port, or `*` alone.',
        },
        {
          term: '`TUNL_PROXY_PASSWORD`',
          text: 'Password of the proxy whose URL has a user but no password; it may be empty. For several such proxies they are `TUNL_PROXY_PASSWORD_1` and so on.',
        },
        { term: '`TUNL_CONFIG`', text: 'The configuration to read; if it is empty, none is read.' },
        { term: '`TUNL_SERVE_PASSWORD`', text: 'Password of `serve --user`.' },
        {
          term: '`TUNL_KEY_PASSWORD`',
          text: 'Password of every encrypted key or PKCS #12 file without its own `key-password-file`.',
        },
        {
          term: '`SSL_CERT_FILE`, `SSL_CERT_DIR`',
          text: "Authorities to trust instead of the system's: a PEM file, and folders of hashed names.",
        },
        { term: '`NETRC`', text: 'The file to read instead of `~/.netrc`.' },
        {
          term: '`SSH_ASKPASS`, `SSH_ASKPASS_REQUIRE`',
          text: 'The program that asks for a password, and when it is used, as in ssh.',
        },
        { term: '`NO_COLOR`', text: 'Turns colours off if it is set and not empty.' },
        {
          term: '`NODE_DISABLE_COMPILE_CACHE`',
          text: 'Lets tunl keep no compiled code; `NODE_COMPILE_CACHE` names another folder for it. Both are of Node.',
        },
      ],
    },
    files,
  ],
};
