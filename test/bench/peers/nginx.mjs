import { findFreePort } from '../processes.mjs';

/**
 * Starts nginx as a reverse proxy in front of a port, as its manual shows it for WebSocket. `certs` puts TLS before it,
 * `http2` makes it speak HTTP/2, in cleartext nothing else; `buffers` is false if it must pass bodies on as they come.
 */
export async function startNginx(bench, path, { backendPort, certs, http2 = false, buffers = true }) {
  const port = await findFreePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${bench.folder}/nginx-${port}-${name};`,
  );
  const buffering = buffers ? 'on' : 'off';
  const lines = [
    'daemon off;',
    'worker_processes 1;',
    `pid ${bench.folder}/nginx-${port}.pid;`,
    'error_log stderr crit;',
    'events { worker_connections 4096; }',
    'http {',
    '  access_log off;',
    ...temporary,
    '  map $http_upgrade $connection_field { default upgrade; "" ""; }',
    '  server {',
    `    listen 127.0.0.1:${port}${certs ? ' ssl' : ''}${http2 ? ' http2' : ''};`,
    ...(certs ? [`    ssl_certificate ${certs.cert};`, `    ssl_certificate_key ${certs.key};`] : []),
    '    client_max_body_size 0;',
    '    location / {',
    `      proxy_pass http://127.0.0.1:${backendPort};`,
    '      proxy_http_version 1.1;',
    '      proxy_set_header Host $http_host;',
    '      proxy_set_header Upgrade $http_upgrade;',
    '      proxy_set_header Connection $connection_field;',
    `      proxy_buffering ${buffering};`,
    `      proxy_request_buffering ${buffering};`,
    '    }',
    '  }',
    '}',
  ];
  const config = bench.write('nginx.conf', `${lines.join('\n')}\n`);
  return { port, children: [await bench.startListening(path, ['-c', config, '-e', 'stderr'], port)] };
}
