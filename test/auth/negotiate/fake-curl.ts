import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempFolder } from '../../support/temp.ts';

/** The scripts of fake curls. `ask(target, credentials)` sends a request, and `said` waits for the answer. */
const manners = {
  token: `ask(target, 'Negotiate VE9LRU4='); await wait();`,
  /** NegTokenInit with Kerberos alone. */
  ticket: `ask(target, 'Negotiate YCUGBisGAQUFAqAbMBmgDTALBgkqhkiG9xIBAgKiCAQGdGlja2V0'); await wait();`,
  twoRounds: `
    await ask(target, 'Negotiate Zmlyc3Q=');
    const answer = await said();
    const [, challenge] = /^Proxy-Authenticate: Negotiate (.*)\\r$/m.exec(answer);
    await ask(target, 'Negotiate ' + Buffer.from('answer to ' + Buffer.from(challenge, 'base64')).toString('base64'));
    await wait();`,
  exits: `
    console.error('* Trying 127.0.0.1');
    console.error('* gss_init_sec_context() failed: No credentials were supplied. No Kerberos credentials available. ');
    console.error('curl: (56) it went wrong');
    process.exit(56);`,
  silentExit: `process.exit(7);`,
  hangs: `await wait();`,
  noCredentials: `
    console.error('* gss_init_sec_context() failed: Server not found in Kerberos database. ');
    await ask(target);
    await wait();`,
  otherTarget: `await ask('other.invalid:80', 'Negotiate VE9LRU4='); await closed(); process.exit(56);`,
  garbage: `connection.write(Buffer.alloc(400000, 7)); await closed(); process.exit(56);`,
  noToken: `await ask(target, 'Negotiate ?!'); await wait();`,
  stranger: `
    await ask('other.invalid:80', 'Negotiate Zm9yZWlnbg==');
    await closed();
    await connect();
    await ask(target, 'Negotiate VE9LRU4=');
    await wait();`,
  second: `
    await ask(target, 'Negotiate VE9LRU4=');
    const first = connection;
    await connect();
    await ask(target, 'Negotiate Zm9yZWlnbg==');
    await closed();
    note({ second: 'closed', first: first.destroyed });
    await wait();`,
} as const;

/** One of the manners of a fake curl. */
export type Manner = keyof typeof manners;

const script = (manner: string, version: string, notes: string) => `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
const { once } = require('node:events');
const net = require('node:net');
const note = (facts) => appendFileSync(${JSON.stringify(notes)}, JSON.stringify(facts) + '\\n');
if (process.argv.includes('-V')) {
  note({ version: true });
  console.log(${JSON.stringify(version)});
  process.exit();
}
const settings = Object.fromEntries(
  readFileSync(0, 'utf8').split('\\n').filter((line) => line !== '').map((line) => {
    const [, name, value = 'true'] = /^(\\S+)(?: = (.*))?$/.exec(line);
    return [name, JSON.parse(value)];
  }),
);
note({ pid: process.pid, args: process.argv.slice(2), variables: Object.keys(process.env).sort(), settings });
const [, port] = /:(\\d+):127\\.0\\.0\\.1$/.exec(settings.resolve);
const target = new URL(settings.url).hostname + ':80';
let connection;
let isClosed;
const connect = async () => {
  connection = net.connect(port, '127.0.0.1');
  const own = connection;
  connection.on('error', () => {});
  isClosed = new Promise((resolve) => own.once('close', resolve));
  // A connection that is not wanted may be reset as early as this.
  await once(connection, 'connect').catch(() => {});
};
const ask = (where, credentials) => {
  const field = credentials === undefined ? '' : 'Proxy-Authorization: ' + credentials + '\\r\\n';
  connection.write('CONNECT ' + where + ' HTTP/1.1\\r\\nHost: ' + where + '\\r\\n' + field + 'User-Agent: curl/8\\r\\n\\r\\n');
};
const said = async () => String((await once(connection, 'data'))[0]);
const closed = () => isClosed;
const wait = () => new Promise(() => setInterval(() => {}, 1000));
(async () => {
  await connect();
  ${manner}
})();
`;

/** The notes of a fake curl about one run. */
export interface CurlRun {
  readonly pid: number;
  readonly args: readonly string[];
  readonly variables: readonly string[];
  readonly settings: Readonly<Record<string, string | true>>;
}

/** A curl of our own in a folder for PATH. */
export interface FakeCurl {
  /** The environment in which it is found. */
  readonly env: Readonly<Record<string, string>>;
  /** The runs that were to fetch something. */
  runs(): CurlRun[];
  /** The number of times that it was asked for its version. */
  versions(): number;
  /** The runs that have not ended. */
  living(): number;
  /** All that it has noted. */
  notes(): Record<string, unknown>[];
}

/** Makes a curl with one manner that says it has these features. It is removed after the test. */
export function makeFakeCurl(manner: Manner, features = 'GSS-API SPNEGO SSL'): FakeCurl {
  const folder = makeTempFolder();
  const file = join(folder, 'curl');
  const noteFile = join(folder, 'notes');
  writeFileSync(noteFile, '');
  writeFileSync(file, script(manners[manner], `curl 8.0.0\nFeatures: alt-svc ${features}`, noteFile));
  chmodSync(file, 0o755);
  const notes = () =>
    readFileSync(noteFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const runs = () => notes().filter(isRun);
  return {
    env: { PATH: folder, HOME: folder, LANG: 'C', KRB5CCNAME: 'FILE:/nowhere', TUNL_SECRET: 'x', NODE_OPTIONS: '' },
    runs,
    versions: () => notes().filter((entry) => 'version' in entry).length,
    living: () => runs().filter(({ pid }) => isAlive(pid)).length,
    notes,
  };
}

function isRun(entry: Record<string, unknown>): entry is CurlRun & Record<string, unknown> {
  return 'pid' in entry;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
