import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertFiles } from '../support/origin.ts';
import { type Part, startPart } from '../support/part.ts';
import { makeCertificate, makeHttpCluster, makeHttpFilter, makeListener, makeServerTls, startEnvoy } from './envoy.ts';

/** What of nginx differs from its documentation. */
export interface NginxOptions {
  /** The port that an earlier one had. */
  readonly port?: number;
  /** Passes requests on as they come, and not once they are whole. */
  readonly passesRequests?: boolean;
  /** Drops Upgrade, as it does unless it is told otherwise. */
  readonly dropsUpgrade?: boolean;
  /** Speaks HTTP/2 and nothing else in cleartext. */
  readonly clearHttp2?: boolean;
}

/** Starts nginx, which passes Upgrade on to a port of 127.0.0.1 as its documentation shows it; over TLS it speaks HTTP/2 too. */
export function startNginx(
  backendPort: number,
  tls?: CertFiles,
  { port: formerPort, passesRequests = false, dropsUpgrade = false, clearHttp2 = false }: NginxOptions = {},
): Promise<Part> {
  return startPart(
    'nginx',
    (port, folder) => {
      const config = join(folder, 'nginx.conf');
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `  ${name}_temp_path ${join(folder, name)};`,
      );
      writeFileSync(
        config,
        `daemon off;
pid ${join(folder, 'nginx.pid')};
error_log stderr;
events {}
http {
  access_log off;
${paths.join('\n')}
  server {
    listen 127.0.0.1:${port}${tls ? ' ssl' : ''}${tls || clearHttp2 ? ' http2' : ''};
${tls ? `    ssl_certificate ${tls.cert};\n    ssl_certificate_key ${tls.key};` : ''}
    location / {
      proxy_pass http://127.0.0.1:${backendPort};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
${dropsUpgrade ? '' : '      proxy_set_header Upgrade $http_upgrade;\n      proxy_set_header Connection "upgrade";'}
      proxy_request_buffering ${passesRequests ? 'off' : 'on'};
      client_max_body_size 0;
    }
  }
}
`,
      );
      return { file: '/usr/sbin/nginx', args: ['-c', config, '-e', 'stderr'] };
    },
    formerPort,
  );
}

/**
 * Starts Apache, whose mod_proxy_wstunnel passes Upgrade on to a port of 127.0.0.1. Over TLS its mod_http2 takes WebSockets
 * in HTTP/2 too, and passes them on in HTTP/1.1.
 */
export function startApache(backendPort: number, tls?: CertFiles): Promise<Part> {
  return startPart('Apache', (port, folder) => {
    const [config, logFile] = [join(folder, 'httpd.conf'), join(folder, 'error.log')];
    const names = [
      'mpm_event',
      'authz_core',
      'proxy',
      'proxy_http',
      'proxy_wstunnel',
      ...(tls ? ['ssl', 'http2'] : []),
    ];
    const modules = names.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
    const secure = tls
      ? `SSLEngine on
SSLCertificateFile ${tls.cert}
SSLCertificateKeyFile ${tls.key}
Protocols h2 http/1.1
H2WebSockets on
`
      : '';
    writeFileSync(
      config,
      `${modules.join('\n')}
ServerRoot ${folder}
ServerName front.example
PidFile ${join(folder, 'httpd.pid')}
DefaultRuntimeDir ${folder}
Listen 127.0.0.1:${port}
ErrorLog ${logFile}
# Without them Apache does not serve where root starts it.
User nobody
Group nogroup
${secure}ProxyPass / ws://127.0.0.1:${backendPort}/
`,
    );
    return { file: '/usr/sbin/apache2', args: ['-f', config, '-D', 'FOREGROUND'], logFile };
  });
}

/** Starts haproxy, which passes WebSockets of both versions of HTTP on by itself to a port of 127.0.0.1. */
export function startHaproxy(backendPort: number, tls?: CertFiles): Promise<Part> {
  return startPart('haproxy', (port, folder) => {
    const pem = join(folder, 'server.pem');
    if (tls) writeFileSync(pem, readFileSync(tls.cert, 'utf8') + readFileSync(tls.key, 'utf8'));
    const config = join(folder, 'haproxy.cfg');
    writeFileSync(
      config,
      `defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend front
  bind 127.0.0.1:${port}${tls ? ` ssl crt ${pem} alpn h2,http/1.1` : ''}
  default_backend back
backend back
  server serve 127.0.0.1:${backendPort}
`,
    );
    return { file: '/usr/sbin/haproxy', args: ['-db', '-f', config] };
  });
}

/**
 * Starts Envoy, which ends TLS and passes WebSockets on to a port of 127.0.0.1 in this version of HTTP.
 * @param backend over HTTP/2 as extended CONNECT, over HTTP/1.1 as Upgrade, whatever the client speaks
 */
export function startEnvoyFront(backendPort: number, tls: CertFiles, backend: 'h1' | 'h2'): Promise<Part> {
  const route = { match: { prefix: '/' }, route: { cluster: 'serve', timeout: '0s' } };
  const filter = makeHttpFilter('websocket', [route]);
  const http = backend === 'h2' ? { http2_protocol_options: { allow_connect: true } } : { http_protocol_options: {} };
  const secure = makeServerTls({ alpn_protocols: ['h2', 'http/1.1'], tls_certificates: [makeCertificate(tls)] });
  return startEnvoy((port) => ({
    listeners: [makeListener(port, { filters: [filter], transport_socket: secure })],
    clusters: [makeHttpCluster('serve', backendPort, http)],
  }));
}
