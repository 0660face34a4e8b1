/** The way of a request: through one of two proxies, or to the target itself. */
export type Way = 'one' | 'two' | 'direct';

/** An environment, and the way that it chooses for a target. `ONE` and `TWO` stand for the addresses of two proxies. */
export interface Row {
  readonly env: Readonly<Record<string, string>>;
  readonly target: string;
  readonly way: Way;
}

const row = (way: Way, target: string, env: Row['env']): Row => ({ env, target, way });

const variables: readonly Row[] = [
  row('direct', 'db.x:443', {}),
  row('one', 'db.x:443', { https_proxy: 'http://ONE' }),
  row('one', 'db.x:443', { HTTPS_PROXY: 'http://ONE' }),
  row('one', 'db.x:443', { all_proxy: 'http://ONE' }),
  row('one', 'db.x:443', { ALL_PROXY: 'http://ONE' }),
  row('direct', 'db.x:443', { HTTP_PROXY: 'http://ONE' }),
  row('one', 'db.x:443', { https_proxy: 'http://ONE', HTTPS_PROXY: 'http://TWO' }),
  row('one', 'db.x:443', { HTTPS_PROXY: 'http://ONE', all_proxy: 'http://TWO' }),
  row('one', 'db.x:443', { all_proxy: 'http://ONE', ALL_PROXY: 'http://TWO' }),
  row('one', 'db.x:443', { ALL_PROXY: 'http://ONE', http_proxy: 'http://TWO' }),
  row('one', 'db.x:5432', { https_proxy: 'http://ONE', http_proxy: 'http://TWO' }),
  row('two', 'db.x:443', { https_proxy: '', HTTPS_PROXY: '', all_proxy: 'http://TWO' }),
  row('one', 'db.x:22', { https_proxy: 'http://ONE' }),
  row('one', '127.0.0.1:443', { https_proxy: 'http://ONE' }),
  row('one', 'localhost:443', { https_proxy: 'http://ONE' }),
];

const spellings: readonly Row[] = [
  row('one', 'db.x:443', { https_proxy: 'ONE' }),
  row('one', 'db.x:443', { https_proxy: 'http://ONE/' }),
  row('one', 'db.x:443', { https_proxy: 'http://ONE/a/path' }),
  row('one', 'db.x:443', { https_proxy: 'HTTP://ONE' }),
  row('one', 'db.x:443', { https_proxy: 'http://user:p%40ss@ONE' }),
  row('one', 'db.x:443', { https_proxy: 'user:pass@ONE/' }),
  row('one', 'db.x:443', { ALL_PROXY: 'socks5://ONE' }),
  row('one', 'db.x:443', { ALL_PROXY: 'socks5h://user:pass@ONE/' }),
  row('one', 'db.x:443', { all_proxy: 'socks4://ONE' }),
  row('one', 'db.x:443', { all_proxy: 'SOCKS4A://ONE/' }),
  row('one', 'db.x:443', { all_proxy: 'socks://ONE/' }),
  row('one', 'db.x:443', { https_proxy: 'socks5h://ONE' }),
];

/** The way that NO_PROXY chooses for a target if `https_proxy` names the first proxy. */
const except = (value: string, target: string, way: Way, name = 'NO_PROXY'): Row =>
  row(way, target, { https_proxy: 'http://ONE', [name]: value });

const exceptions: readonly Row[] = [
  except('*', 'db.x:443', 'direct'),
  except('*', '10.1.2.3:443', 'direct'),
  except('a,*', 'db.x:443', 'one'),
  except('*,a', 'db.x:443', 'one'),
  except(' *', 'db.x:443', 'one'),
  except('', 'db.x:443', 'one'),
  except(',', 'db.x:443', 'one'),
  except('.', 'db.x:443', 'one'),
  except('db.x', 'db.x:443', 'direct', 'no_proxy'),
  row('one', 'db.x:443', { https_proxy: 'http://ONE', no_proxy: 'a', NO_PROXY: 'db.x' }),
  row('direct', 'db.x:443', { https_proxy: 'http://ONE', no_proxy: '', NO_PROXY: 'db.x' }),
  row('direct', 'db.x:443', { ALL_PROXY: 'http://ONE', NO_PROXY: 'db.x' }),
  except('db.x', 'db.x:443', 'direct'),
  except('DB.X', 'db.x:443', 'direct'),
  except('db.x', 'DB.X:443', 'direct'),
  except('x', 'db.x:443', 'direct'),
  except('.x', 'db.x:443', 'direct'),
  except('.x', 'x:443', 'direct'),
  except('x.', 'db.x:443', 'direct'),
  except('b.x', 'db.x:443', 'one'),
  except('db', 'db.x:443', 'one'),
  except('db.x.y', 'db.x:443', 'one'),
  except('..x', 'db.x:443', 'one'),
  except('http://db.x', 'db.x:443', 'one'),
  except('a;db.x', 'db.x:443', 'one'),
  except('a,db.x', 'db.x:443', 'direct'),
  except(' a , db.x ', 'db.x:443', 'direct'),
  except('a,,db.x,', 'db.x:443', 'direct'),
  except('localhost', 'localhost:443', 'direct'),
  except('localhost', '127.0.0.1:443', 'one'),
  except('127.0.0.1', 'localhost:443', 'one'),
];

const addresses: readonly Row[] = [
  except('10.1.2.3', '10.1.2.3:443', 'direct'),
  except('10.1.2.3', '10.1.2.4:443', 'one'),
  except('10.1.2.', '10.1.2.3:443', 'one'),
  except('2.3', '10.1.2.3:443', 'one'),
  except('.2.3', '10.1.2.3:443', 'one'),
  except('3', '10.1.2.3:443', 'one'),
  except('010.1.2.3', '10.1.2.3:443', 'one'),
  except('10.1.2.3/32', '10.1.2.3:443', 'direct'),
  except('10.0.0.0/8', '10.1.2.3:443', 'direct'),
  except('10.200.0.0/8', '10.1.2.3:443', 'direct'),
  except('10.0.0.0/08', '10.1.2.3:443', 'direct'),
  except('10.0.0.0/8', '11.1.2.3:443', 'one'),
  except('10.1.2.0/31', '10.1.2.1:443', 'direct'),
  except('10.1.2.0/31', '10.1.2.2:443', 'one'),
  except('128.0.0.0/1', '200.1.2.3:443', 'direct'),
  except('128.0.0.0/1', '100.1.2.3:443', 'one'),
  except('10.0.0.0/33', '10.1.2.3:443', 'one'),
  except('10.0.0.0/-8', '10.1.2.3:443', 'one'),
  except('0.0.0.0/0', '10.1.2.3:443', 'one'),
  except('10.1.2.3/0', '10.1.2.3:443', 'direct'),
  except('a,10.0.0.0/8,b', '10.1.2.3:443', 'direct'),
  except('10.0.0.0/8', '10.x:443', 'one'),
  except('::ffff:10.1.2.3', '10.1.2.3:443', 'one'),
  except('::1', '[::1]:443', 'direct'),
  except('::2', '[::1]:443', 'one'),
];

/** The rows in which we decide as curl does; a test asks the real one. */
export const likeCurl: readonly Row[] = [...variables, ...spellings, ...exceptions, ...addresses];

/** Our additions, for which curl decides otherwise. */
export const additions: readonly Row[] = [
  row('one', 'db.x:443', { http_proxy: 'http://ONE' }),
  except('*.x', 'db.x:443', 'direct'),
  except('a,*.x:443', 'db.x:443', 'direct'),
  except('a\ndb.x', 'db.x:443', 'direct'),
  except('\r\n  a\r\n  db.x\r\n', 'db.x:443', 'direct'),
  except('*\n', 'db.x:443', 'direct'),
  except('10.*', '10.1.2.3:443', 'direct'),
  except('10.*.*.*', '10.1.2.3:443', 'direct'),
  except('10.1.*', '10.1.2.3:443', 'direct'),
  except('10.1.2.*', '10.1.2.3:443', 'direct'),
  except('10.1.2.*:443', '10.1.2.3:443', 'direct'),
  except('169.254/16', '169.254.169.254:443', 'direct'),
  except('10/8', '10.1.2.3:443', 'direct'),
  except('10.1/16:443', '10.1.2.3:443', 'direct'),
  except('[::1]', '[::1]:443', 'direct'),
  except('<local>', 'db:443', 'direct'),
  except('<local>', 'localhost:443', 'direct'),
  except('a,<LOCAL>:443', 'db:443', 'direct'),
  except('db.x:443', 'db.x:443', 'direct'),
  except('.x:443', 'db.x:443', 'direct'),
  except('10.1.2.3:443', '10.1.2.3:443', 'direct'),
  except('[::1]:443', '[::1]:443', 'direct'),
];

/** The rows without a comparison: the limits of our additions, and IPv6, of which older curls read no ranges. */
export const ours: readonly Row[] = [
  row('direct', 'db.x:443', { http_proxy: 'http://ONE', no_proxy: 'x' }),
  except('db.x:443', 'db.x:444', 'one'),
  except('10.0.0.0/8:443', '10.1.2.3:443', 'direct'),
  except('10.0.0.0/8:443', '10.1.2.3:444', 'one'),
  except('[::1]:443', '[::1]:444', 'one'),
  except('[fd00::]/8:443', '[fd00::7]:443', 'direct'),
  except('fd00::/8', '[fd12::7]:443', 'direct'),
  except('fd00::/8', '[fe80::7]:443', 'one'),
  except('2001:DB8:0::7', '[2001:db8::7]:443', 'direct'),
  except('10.0.0.0/8', '[::ffff:10.1.2.3]:443', 'one'),
  except('*.x', 'x:443', 'direct'),
  except('*.x', 'dbx:443', 'one'),
  except('*x', 'dbx:443', 'one'),
  except('d*.x', 'db.x:443', 'one'),
  except('10.*', '11.1.2.3:443', 'one'),
  except('10.*', '10.x:443', 'one'),
  except('10.1.2.*', '10.1.3.3:443', 'one'),
  except('10.*.2.3', '10.1.2.3:443', 'one'),
  except('10.*.*.*.*', '10.1.2.3:443', 'one'),
  except('*.1.2.3', '10.1.2.3:443', 'one'),
  except('169.254/16', '169.255.0.1:443', 'one'),
  except('10.1.2/33', '10.1.2.3:443', 'one'),
  except('256.*', '0.1.2.3:443', 'one'),
  except('[fd00::]/8', '[fd12::7]:443', 'direct'),
  except('[fd00::/8]', '[fd12::7]:443', 'direct'),
  except('[db.x]', 'db.x:443', 'one'),
  except('<local>', 'db.x:443', 'one'),
  except('<local>', '10.1.2.3:443', 'one'),
  except('<local>', '[::1]:443', 'one'),
  except('a\n*', 'db.x:443', 'one'),
];

/** The row's environment, with the addresses of the proxies in place. */
export function fillRow({ env }: Row, proxies: Readonly<Record<'one' | 'two', string>>): Record<string, string> {
  const fill = (value: string) => value.replaceAll('ONE', proxies.one).replaceAll('TWO', proxies.two);
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)]));
}

/** The row as the name of a test. */
export function describeRow({ env, target, way }: Row): string {
  const words = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${words.join(' ') || 'nothing'}: ${target} ${way}`;
}
