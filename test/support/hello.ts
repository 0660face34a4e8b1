import { Duplex } from 'node:stream';
import { connect } from 'node:tls';

/** Makes the first bytes of a client of TLS, which asks for a server of that name, or for none. */
export async function makeHello(servername: string): Promise<Buffer> {
  let client: { destroy(): void } | undefined;
  const bytes = await new Promise<Buffer>((resolve) => {
    const socket = new Duplex({ read: () => {}, write: (chunk: Buffer) => resolve(chunk) });
    client = connect({ socket, servername });
  });
  client?.destroy();
  return bytes;
}
