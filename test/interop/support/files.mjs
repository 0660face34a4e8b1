// Serves the files of a folder over HTTP, or over TLS if a certificate and its key are named:
// node files.mjs PORT FOLDER [CERT KEY]
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';

const [port, folder, cert, key] = process.argv.slice(2);

function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://host');
  try {
    const page = pathname.endsWith('/');
    const body = readFileSync(join(folder, page ? `${pathname}index.html` : pathname));
    response.setHeader('Content-Type', page ? 'text/html' : 'application/octet-stream').end(body);
  } catch {
    response.writeHead(404).end();
  }
}

const server = cert
  ? createHttpsServer({ cert: readFileSync(cert), key: readFileSync(key) }, answer)
  : createHttpServer(answer);
server.listen(Number(port), '127.0.0.1');
