import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Certs, makeCerts } from '../support/certs/certs.ts';
import { hasH2spec, judgeClient, judgeServer, type Verdict } from './parts/h2spec.ts';
import { makeTunlCommand, startTunl, startTunlServe, type TunlPart } from './support/tunl.ts';
import { makeFolder } from './support/workspace.ts';

if (!hasH2spec) process.stderr.write('h2spec is not installed: its tests are not run\n');

/** A port for both versions of HTTP cannot know that a preface that is wrong was meant as one of HTTP/2. */
const notOnSharedPorts = ['failed http2/3.5/2'];

const serverCases = 145;
const clientCases = 57;

/** Runs the cases against a server, and stops it. */
async function judge(part: TunlPart, security: 'clear' | 'tls'): Promise<Verdict> {
  try {
    return await judgeServer(part.port, security);
  } finally {
    await part.stop();
  }
}

describe.skipIf(!hasH2spec)('h2spec, of', () => {
  let certs: Certs;

  beforeAll(async () => {
    certs = await makeCerts();
    return certs.remove;
  });

  test('tunl serve in cleartext, on one port with HTTP/1.1', async () => {
    const serve = await startTunlServe();
    const { cases, notPassed, story } = await judge(serve, 'clear');
    expect(notPassed, story).toEqual(notOnSharedPorts);
    expect(cases).toBe(serverCases);
  });

  test('tunl serve over TLS', async () => {
    const { cert, key } = certs.server;
    const serve = await startTunlServe(['--tls', '--cert', cert, '--key', key]);
    const { cases, notPassed, story } = await judge(serve, 'tls');
    expect(notPassed, story).toEqual([]);
    expect(cases).toBe(serverCases);
  });

  test('an HTTP stage of tunl chain', async () => {
    const file = join(makeFolder('chain'), 'chain.yaml');
    writeFileSync(file, 'stages: { web: { listen: 127.0.0.1:0, http: { routes: [{ answer: 200 Hello }] } } }\n');
    const chain = await startTunl(['chain', '-c', file]);
    const { cases, notPassed, story } = await judge(chain, 'clear');
    expect(notPassed, story).toEqual(notOnSharedPorts);
    expect(cases).toBe(serverCases);
  });

  test('tunl connect, as the client of a proxy over HTTP/2', async () => {
    const command = makeTunlCommand(['connect', '-x', 'h2c://127.0.0.1:PORT', '127.0.0.1:9']);
    const { cases, notPassed, story } = await judgeClient(command);
    expect(notPassed, story).toEqual([]);
    expect(cases).toBe(clientCases);
  });
});
