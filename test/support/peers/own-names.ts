import { startNameServer, type NameServer, type Zone } from './dns.ts';

/** A name server of the test, and the environment with which a program asks it instead of the system's. */
export interface OwnNames extends NameServer {
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Starts a name server for a run of the built program. The zone may be changed at any time: the next
 * question finds it as it is then.
 */
export async function startOwnNames(zone: Zone): Promise<OwnNames> {
  const server = await startNameServer(zone);
  // Loaded before the program: the only thing that is not as it would be is who is asked.
  const preload = `
    import promises from 'node:dns/promises';
    import { syncBuiltinESMExports } from 'node:module';
    const { Resolver } = promises;
    promises.Resolver = class extends Resolver {
      constructor(options) {
        super(options);
        this.setServers(['${server.address}']);
      }
    };
    syncBuiltinESMExports();
  `;
  const url = `data:text/javascript,${encodeURIComponent(preload)}`;
  return { ...server, env: { NODE_OPTIONS: `--import=${url}` } };
}
