import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertFiles } from '../support/origin.ts';
import { type Part, startPart } from '../support/part.ts';

/** Starts a server that says back what it hears; with a certificate, over TLS. */
export function startEcho(tls?: CertFiles): Promise<Part> {
  return startPart('echo', (port) => {
    const place = `${port},bind=127.0.0.1,reuseaddr,fork`;
    const listen = tls ? `OPENSSL-LISTEN:${place},cert=${tls.cert},key=${tls.key},verify=0` : `TCP4-LISTEN:${place}`;
    return { file: 'socat', args: [listen, 'EXEC:cat'] };
  });
}

/** Starts a server that reads the head of a request, whatever it says, answers with these bytes and closes. */
export function startAnswer(answer: string): Promise<Part> {
  return startPart('answer', (port, folder) => {
    writeFileSync(join(folder, 'answer'), answer);
    const script = join(folder, 'script');
    // Unread bytes would turn the end into a reset.
    writeFileSync(script, `#!/bin/sh\nsed '/^.$/q' >/dev/null\nexec cat ${join(folder, 'answer')}\n`, { mode: 0o755 });
    return { file: 'socat', args: [`TCP4-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`, `EXEC:${script}`] };
  });
}

/** Starts a server that greets and closes. */
export function startGreeting(word: string): Promise<Part> {
  return startPart('greeting', (port) => ({
    file: 'socat',
    args: [`TCP4-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`, `SYSTEM:echo ${word}`],
  }));
}
