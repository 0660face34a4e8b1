/** The parts of the package `ws` that tests use. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage } from 'node:http';

  export class WebSocket extends EventEmitter {
    constructor(url: string, protocols?: string | readonly string[], options?: { readonly origin?: string });
    readonly protocol: string;
    readonly extensions: string;
    send(data: Buffer, options?: { readonly binary?: boolean; readonly fin?: boolean }): void;
    ping(data?: Buffer): void;
    close(code?: number): void;
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(
      options: {
        readonly host: string;
        readonly port: number;
        readonly handleProtocols?: (protocols: Set<string>) => string | false;
      },
      onListening?: () => void,
    );
    address(): { readonly port: number };
    close(): void;
    on(event: 'connection', listener: (socket: WebSocket, request: IncomingMessage) => void): this;
  }
}
