import { writeFileSync } from 'node:fs';
import { connect as connectSession } from 'node:http2';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readStream } from '../../support/harness/h2-request-bed.ts';
import { connectPeer } from '../../support/peers/raw-peer.ts';
import { echo, startTarget } from '../../support/targets/plain.ts';
import { makeTempFolder } from '../../support/temp.ts';
import { startTunl } from '../../support/harness/tunl-process.ts';

const api = 'type.googleapis.com/envoy.extensions.filters';

/** A file of Envoy: tunnels go where they ask, `/fixed` has an answer, and all else goes to a web server. */
function writeStage(web: number, listen = '127.0.0.1'): string {
  const endpoint = `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${web} } } } }`;
  const path = join(makeTempFolder(), 'envoy.yaml');
  writeFileSync(
    path,
    `static_resources:
  listeners:
  - name: front
    address: { socket_address: { address: ${listen}, port_value: 0 } }
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": ${api}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          upgrade_configs: [{ upgrade_type: CONNECT }]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { connect_matcher: {} }
                route: { cluster: asked, upgrade_configs: [{ upgrade_type: CONNECT, connect_config: {} }] }
              - match: { prefix: /fixed }
                direct_response: { status: 200, body: { inline_string: "from the file" } }
              - match: { prefix: / }
                route: { cluster: web }
          http_filters:
          - name: router
            typed_config: { "@type": ${api}.http.router.v3.Router }
  clusters:
  - name: asked
    type: ORIGINAL_DST
    lb_policy: CLUSTER_PROVIDED
    original_dst_lb_config: { use_http_header: true, http_header_name: ":authority" }
  - name: web
    load_assignment: { cluster_name: web, endpoints: [{ lb_endpoints: [${endpoint}] }] }
`,
  );
  return path;
}

test('requests, tunnels and answers of its own share one port, over both versions of HTTP', async () => {
  const target = await startTarget(echo);
  const { child, ended, waitFor } = startTunl(['chain', '-c', writeStage(target.port), '-v']);
  const [, port] = await waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const client = await connectPeer(Number(port));
  client.send('GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await client.readUntil('from the file')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  client.send(`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: a\r\n\r\nhello`);
  expect(await client.readHead()).toMatch(/^HTTP\/1\.1 200 /);
  expect(String(await client.read(5))).toBe('hello');
  client.fin();
  await client.readToEnd();
  const session = connectSession(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  expect(await readStream(session.request({ ':path': '/fixed' }))).toMatchObject({ body: 'from the file' });
  session.close();
  await waitFor(/-> 127\.0\.0\.1:\d+ closed: sent 5, received 5/);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('SIGTERM lets a request finish, closes its connection and takes no other one', async () => {
  const target = await startTarget();
  const { child, ended, waitFor } = startTunl(['chain', '-c', writeStage(target.port)]);
  const [, port] = await waitFor(/serving 127\.0\.0\.1:(\d+)/);
  const client = await connectPeer(Number(port));
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const served = await target.accept();
  await served.readHead();
  child.kill('SIGTERM');
  await waitFor(/stopping; 1 tunnel may finish/);
  served.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast');
  expect((await client.readToEnd()).toString()).toMatch(/\r\nConnection: close\r\n.*last$/s);
  client.fin();
  served.fin();
  expect((await ended).code).toBe(0);
});

test('where strangers choose what it leads to, because a file of Envoy says so, it is said', async () => {
  const { child, ended, waitFor } = startTunl(['chain', '-c', writeStage(1, '0.0.0.0')]);
  await waitFor(/everybody who reaches 0\.0\.0\.0:0 chooses where tunnels and requests go/);
  await waitFor(/serving 0\.0\.0\.0:\d+/);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});
