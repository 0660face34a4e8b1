import { findScheme } from '../../carriers/index.ts';
import type { Hop } from '../../core/hop.ts';
import { resumeName } from '../../resume/setting.ts';

/** How long a tunnel that is cut looks for another connection, in the commands that are advised. */
const hold = '10m';

/** The option of `serve` for tunnels that outlive their connections. */
export const resumeOption = `--${resumeName} ${hold}`;

/** What a proxy of the user's own must be started with, and the URL by which it is reached; the reader fills in its name. */
export interface OwnProxy {
  readonly serve: string;
  readonly url: string;
}

/** A proxy to which a tunnel looks like a visit of a web server. */
export const overTls = (port: number): OwnProxy => ({ serve: 'tunl serve --tls', url: `https://YOUR-BOX:${port}` });

/** A proxy that is asked in every mode: whoever opens TLS on the way and reads requests passes few, and not CONNECT. */
export const inEveryMode = (port: number): OwnProxy => ({
  serve: `tunl serve --tls ${resumeOption} --ws --post --poll`,
  url: `auto+https://YOUR-BOX:${port}`,
});

/** A proxy whose tunnels outlive the connections before it. */
export const resuming: OwnProxy = {
  serve: `tunl serve --tls ${resumeOption}`,
  url: `https://YOUR-BOX:443?${resumeName}=${hold}`,
};

/** Returns the hop with tunnels that outlive their connections; undefined if its protocol has none. */
export function withResume(hop: Hop): Hop | undefined {
  const settings = findScheme(hop.scheme)?.carrier.settings ?? [];
  if (hop.chooser || !settings.some(({ name }) => name === resumeName)) return undefined;
  return { ...hop, settings: { ...hop.settings, [resumeName]: hold } };
}

/** Returns the URL scheme by which a web server in front of `tunl serve --ws` is asked, in place of that of a hop. */
export function toWebSocketScheme({ scheme }: Hop): string {
  return findScheme(scheme)?.tls ? 'wss' : 'ws';
}
