import { startNameServer, type NameServer, type Zone } from './dns.ts';

/** A name server of the test, and the environment that makes a program use it instead of the system's. */
export interface OwnNames extends NameServer {
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Starts a name server for a run of the built program. A test may change the zone at any time; the next query sees the
 * change.
 */
export async function startOwnNames(zone: Zone): Promise<OwnNames> {
  const server = await startNameServer(zone);
  // Loaded before the program; it changes only the name server that is asked.
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
