import { beforeAll, describe, expect, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { type Origin, startWebOrigin } from './support/origin.ts';
import type { Part } from './support/part.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { type Command, type Result, run } from './support/process.ts';
import { startTunlServe } from './support/tunl.ts';

const user = 'alice';
const password = 'correct horse:battery';

let certs: Certs;
let web: Origin;
let secureWeb: Origin;
let payload: Payload;

beforeAll(async () => {
  certs = await makeCerts();
  web = await startWebOrigin();
  secureWeb = await startWebOrigin(certs.server);
  payload = makePayload(5_000_000);
  return async () => {
    await Promise.all([web.stop(), secureWeb.stop()]);
  };
});

function makeCurlCommand(...args: string[]): Command {
  return { file: 'curl', args: ['-q', '-sS', '--cacert', certs.ca.cert, ...args] };
}

function curl(...args: string[]): Promise<Result> {
  return run(makeCurlCommand(...args));
}

/** Every way in which curl can be told to use `tunl serve`. */
const doors = [
  { name: 'a plain proxy', options: () => [], scheme: 'http', flags: () => [] },
  {
    name: 'a proxy that wants a user',
    options: () => ['--user', user],
    scheme: 'http',
    flags: () => ['--proxy-user', `${user}:${password}`],
  },
  {
    name: 'a proxy that is told of a user only after its 407',
    options: () => ['--user', user],
    scheme: 'http',
    flags: () => ['--proxy-anyauth', '--proxy-user', `${user}:${password}`],
  },
  {
    name: 'an https proxy',
    options: () => ['--tls', '--cert', certs.server.cert, '--key', certs.server.key],
    scheme: 'https',
    flags: () => ['--proxy-cacert', certs.ca.cert],
  },
  {
    name: 'an https proxy that wants a user',
    options: () => ['--tls', '--cert', certs.server.cert, '--key', certs.server.key, '--user', user],
    scheme: 'https',
    flags: () => ['--proxy-cacert', certs.ca.cert, '--proxy-user', `${user}:${password}`],
  },
];

describe.each(doors)('curl with tunl serve as $name', ({ options, scheme, flags }) => {
  let proxy: Part;
  let through: string[];

  beforeAll(async () => {
    proxy = await startTunlServe(options(), { TUNL_SERVE_PASSWORD: password });
    through = ['-x', `${scheme}://localhost:${proxy.port}`, ...flags()];
    return proxy.stop;
  });

  test('gets an https page', async () => {
    const result = await curl(...through, `https://localhost:${secureWeb.port}/secure`);
    expect(result, proxy.log()).toMatchObject({ code: 0, stdout: 'GET /secure', stderr: '' });
  });

  test('gets an http page when told to tunnel', async () => {
    const result = await curl(...through, '-p', `http://localhost:${web.port}/plain`);
    expect(result, proxy.log()).toMatchObject({ code: 0, stdout: 'GET /plain', stderr: '' });
  });

  test('posts megabytes and gets them back', async () => {
    const output = makeDigester();
    const url = `https://localhost:${secureWeb.port}/post`;
    const command = makeCurlCommand(...through, '--data-binary', `@${payload.file}`, url);
    expect(await run(command, { output }), proxy.log()).toMatchObject({ code: 0, stderr: '' });
    expect(output.read().toString('hex')).toBe(payload.sha256);
  });
});

describe('curl that asks for something else', () => {
  let proxy: Part;

  beforeAll(async () => {
    proxy = await startTunlServe(['--user', user], { TUNL_SERVE_PASSWORD: password });
    return proxy.stop;
  });

  test('learns that a wrong password is one', async () => {
    const through = ['-x', `http://localhost:${proxy.port}`, '--proxy-user', `${user}:mistaken`];
    const result = await curl(...through, '-w', '%{http_connect}', `https://localhost:${secureWeb.port}/`);
    expect(result, proxy.log()).toMatchObject({ code: 56, stdout: '407' });
    expect(proxy.log()).not.toContain('mistaken');
  });

  test('has its plain requests forwarded with its password, and with no other', async () => {
    const through = (secret: string) => ['-x', `http://localhost:${proxy.port}`, '--proxy-user', `${user}:${secret}`];
    const right = await curl(...through(password), `http://localhost:${web.port}/plain`);
    expect(right, proxy.log()).toMatchObject({ code: 0, stdout: 'GET /plain' });
    const told = ['-o', '/dev/null', '-w', '%{http_code}'];
    const wrong = await curl(...through('mistaken'), ...told, `http://localhost:${web.port}/plain`);
    expect(wrong, proxy.log()).toMatchObject({ code: 0, stdout: '407' });
  });
});
