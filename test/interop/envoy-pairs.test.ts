import { closeSync, openSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { hasEnvoy } from './parts/envoy.ts';
import { startSshd, type Sshd } from './parts/sshd.ts';
import { type EndFile, ends, listPairs, type Protocol, protocols, startEnd } from './support/pairs.ts';
import { makeDigester, makePayload, type Payload } from './support/payload.ts';
import { run } from './support/process.ts';
import { ssh } from './support/ssh.ts';

const stages = (stage: string) => `stages:\n  a: { listen: $front, ${stage} }\n`;
const near = (scheme: string) => stages(`via: '${scheme}://127.0.0.1:$origin', to: 'host.com:443'`);
const far = (route: string) => stages(`http: { routes: [{ ${route}, tunnel-to: '127.0.0.1:$origin' }] }`);

/** Both ends of a tunnel to a fixed place, for each protocol. */
const tunnel: Readonly<Record<Protocol, { readonly near: EndFile; readonly far: EndFile }>> = {
  'HTTP/1.1 CONNECT': {
    near: { file: 'encapsulate-h1', words: near('http') },
    far: { file: 'terminate-fixed', words: far('connect: true') },
  },
  'HTTP/2 CONNECT': {
    near: { file: 'encapsulate-h2', words: near('h2c') },
    far: { file: 'terminate-fixed', words: far('connect: true') },
  },
  'HTTP/2 POST': {
    near: { file: 'encapsulate-post', words: near('post+h2c') },
    far: { file: 'terminate-post', words: far('method: POST, prefix: /, post: true') },
  },
};

/** The seed's example: requests go through a stage inside into a tunnel; at its end a stage inside answers them. */
const egress = (scheme: string, ...instead: readonly string[]) => ({
  near: {
    file: 'http-egress',
    words: [
      'stages:',
      '  web: { listen: $front, http: { routes: [{ to: internal://encap }] } }',
      `  encap: { via: '${scheme}://127.0.0.1:$origin', to: 'host.com:443' }`,
    ].join('\n'),
    ...(instead.length > 0 && { instead: [instead[0] ?? '', instead[1] ?? ''] as const }),
  },
  far: {
    file: 'terminate-internal',
    words: [
      'stages:',
      '  edge: { listen: $front, http: { routes: [{ connect: true, tunnel-to: internal://decap }] } }',
      '  decap: { http: { routes: [{ answer: "200 Hello, world!\\n" }] } }',
    ].join('\n'),
  },
});

let sshd: Sshd;
let payload: Payload;

beforeAll(async () => {
  if (!hasEnvoy) return undefined;
  sshd = await startSshd();
  payload = makePayload(200_000_000);
  return async () => {
    payload.remove();
    await sshd.stop();
  };
});

describe.skipIf(!hasEnvoy).each(listPairs())('%s, and at the other end %s', (nearEnd, farEnd) => {
  test.each(protocols)('%s carries ssh, and 200 MB each way', async (protocol) => {
    const files = tunnel[protocol];
    const port = await startEnd(nearEnd, files.near, await startEnd(farEnd, files.far, sshd.port));
    const input = openSync(payload.file, 'r');
    const up = await ssh(sshd, { port }, 'sha256sum', { input }).finally(() => closeSync(input));
    expect(up).toMatchObject({ code: 0, stdout: `${payload.sha256}  -\n`, stderr: '' });
    const output = makeDigester();
    const down = await ssh(sshd, { port }, `cat '${payload.file}'`, { output });
    expect(down).toMatchObject({ code: 0, stderr: '' });
    expect(output.read().toString('hex')).toBe(payload.sha256);
  });
});

describe.skipIf(!hasEnvoy).each(ends)('a request through %s', (nearEnd) => {
  test.each(ends.flatMap((farEnd) => [[farEnd, 'HTTP/2'] as const, [farEnd, 'HTTP/1.1'] as const]))(
    'and a tunnel to %s over %s is answered at its end',
    async (farEnd, version) => {
      const { near: first, far: last } =
        version === 'HTTP/2' ? egress('h2c') : egress('http', 'http2_protocol_options', 'http_protocol_options');
      const port = await startEnd(nearEnd, first, await startEnd(farEnd, last, 1));
      const answer = await run({ file: 'curl', args: ['-sS', '-w', '%{http_code}', `http://127.0.0.1:${port}/any`] });
      expect(answer).toMatchObject({ code: 0, stdout: 'Hello, world!\n200', stderr: '' });
    },
  );
});
