import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Part, startPart } from '../support/part.ts';

/** Starts nginx, which passes Upgrade on to a port of 127.0.0.1 as its documentation shows it. */
export function startNginx(backendPort: number): Promise<Part> {
  return startPart('nginx', (port, folder) => {
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
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${backendPort};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }
  }
}
`,
    );
    return { file: '/usr/sbin/nginx', args: ['-c', config, '-e', 'stderr'] };
  });
}

/** Starts Apache, whose mod_proxy_wstunnel passes Upgrade on to a port of 127.0.0.1. */
export function startApache(backendPort: number): Promise<Part> {
  return startPart('Apache', (port, folder) => {
    const [config, logFile] = [join(folder, 'httpd.conf'), join(folder, 'error.log')];
    const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'proxy_wstunnel'].map(
      (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
    );
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
ProxyPass / ws://127.0.0.1:${backendPort}/
`,
    );
    return { file: '/usr/sbin/apache2', args: ['-f', config, '-D', 'FOREGROUND'], logFile };
  });
}

/** Starts haproxy, which passes Upgrade on by itself to a port of 127.0.0.1. */
export function startHaproxy(backendPort: number): Promise<Part> {
  return startPart('haproxy', (port, folder) => {
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
  bind 127.0.0.1:${port}
  default_backend back
backend back
  server serve 127.0.0.1:${backendPort}
`,
    );
    return { file: '/usr/sbin/haproxy', args: ['-db', '-f', config] };
  });
}
