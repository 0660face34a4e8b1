import { isIP } from 'node:net';
import type { HopChoice, Target } from '../chain/model.ts';
import { hostOf } from '../core/address.ts';
import type { Hop, TlsSettings } from '../core/hop.ts';
import type { FieldWriter } from './export-fields.ts';
import { systemAuthorities } from './export-tls.ts';

/** True for a hop that is spoken to in TLS. */
export function isSecured({ scheme }: Pick<Hop, 'scheme'>): boolean {
  return scheme === 'hbone' || /^(?:post\+)?(?:https|h2)$/.test(scheme);
}

/**
 * The hops of one place without what goes without saying, and with fields as Envoy is sent them.
 * @param isInside they are reached through a stage: their addresses are not dialled
 */
export function tidyHops(choice: HopChoice, isInside: boolean, fields: FieldWriter): HopChoice {
  const hosts = choice.map(({ address }) => (isInside ? undefined : hostOf(address)));
  const [first] = choice;
  // What is one place for Envoy is sent the same.
  const sent = first ? fields.write(first) : { headers: [] };
  return choice.map((hop) => ({
    scheme: hop.scheme,
    ...(/^(?:https?|h2c?)$/.test(hop.scheme) && { halfClose: 'now' as const }),
    address: hop.address.kind === 'tcp' ? { kind: 'tcp', host: hop.address.host, port: hop.address.port } : hop.address,
    tls:
      hop.scheme === 'hbone'
        ? { cacert: systemAuthorities, ...hop.tls }
        : isSecured(hop)
          ? tidyTls(hop.tls, hostOf(hop.address) ?? '', hosts)
          : {},
    settings: { ...tidySettings(hop.settings), ...(hop.scheme === 'hbone' && { forwarded: 'no' }) },
    ...sent,
  }));
}

/** Some settings of hbone:// have become fields by now. */
function tidySettings({
  path,
  baggage: _baggage,
  network: _network,
  source: _source,
  ...others
}: Hop['settings']): Hop['settings'] {
  return { ...others, ...(path !== undefined && path !== '/' && { path }) };
}

/** TLS to targets, as `tidyHops` has it for hops. */
export function tidyTargetTls(tls: TlsSettings, targets: readonly Target[]): TlsSettings {
  const hosts = targets.map(hostOf);
  return tidyTls(tls, hosts.find((host) => host !== undefined) ?? '', hosts);
}

function tidyTls(tls: TlsSettings, host: string, hosts: readonly (string | undefined)[]): TlsSettings {
  const { insecure, pin, cacert, noSystemCa: _given, keyPassword: _too, servername = host, ...own } = tls;
  const isVerified = pin === undefined && !insecure;
  // An address is verified but not sent, and the name of the host goes without saying.
  const isUsual = hosts.length > 0 && hosts.every((other) => other === servername);
  const isSaid = (isVerified || isIP(servername) === 0) && !isUsual;
  return {
    ...own,
    ...(isSaid && servername !== '' && { servername }),
    ...(isVerified ? { cacert: cacert ?? systemAuthorities } : pin === undefined ? { insecure: true } : { pin }),
  };
}
