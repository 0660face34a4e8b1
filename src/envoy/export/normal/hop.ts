import { isIP } from 'node:net';
import type { HopChoice, Target } from '../../../chain/model/graph.ts';
import { hostOf } from '../../../core/address.ts';
import type { Hop, TlsSettings } from '../../../core/hop.ts';
import type { FieldWriter } from '../fields.ts';
import { systemAuthorities } from '../tls.ts';
import { termsOf } from '../../schema/hop-terms.ts';

/**
 * Normalises the hops of one place: removes settings with default values, and writes the fields as Envoy sends them.
 * @param isInside true if the hops are reached through a stage, so that their addresses are not dialled
 */
export function normaliseHops(choice: HopChoice, isInside: boolean, fields: FieldWriter): HopChoice {
  const hosts = choice.map(({ address }) => (isInside ? undefined : hostOf(address)));
  const [first] = choice;
  // The hops become endpoints of one cluster, so Envoy sends all of them the same fields.
  const sent = first ? fields.write(first) : { headers: [] };
  return choice.map((hop) => {
    const { halfClose } = termsOf(hop);
    return {
      scheme: hop.scheme,
      ...(halfClose && { halfClose }),
      address:
        hop.address.kind === 'tcp' ? { kind: 'tcp', host: hop.address.host, port: hop.address.port } : hop.address,
      tls: normaliseHopTls(hop, hosts),
      settings: normaliseSettings(hop),
      ...sent,
    };
  });
}

function normaliseHopTls(hop: Hop, hosts: readonly (string | undefined)[]): TlsSettings {
  const { tunnel, isSecured } = termsOf(hop);
  if (tunnel === 'mesh') return { cacert: systemAuthorities, ...hop.tls };
  return isSecured ? normaliseTls(hop.tls, hostOf(hop.address) ?? '', hosts) : {};
}

/** Removes the settings that Envoy sends as fields, because they have already become fields. */
function normaliseSettings(hop: Hop): Hop['settings'] {
  const { settings, said } = termsOf(hop);
  const given = Object.entries(hop.settings).filter(([name]) => settings.includes(name));
  const { path, ...others } = Object.fromEntries(given);
  return { ...others, ...said, ...(path !== undefined && path !== '/' && { path }) };
}

/** Normalises TLS settings for targets, as `normaliseHops` does for hops. */
export function normaliseTargetTls(tls: TlsSettings, targets: readonly Target[]): TlsSettings {
  const hosts = targets.map(hostOf);
  return normaliseTls(tls, hosts.find((host) => host !== undefined) ?? '', hosts);
}

function normaliseTls(tls: TlsSettings, host: string, hosts: readonly (string | undefined)[]): TlsSettings {
  const { insecure, pin, cacert, noSystemCa: _given, keyPassword: _too, servername = host, ...own } = tls;
  const isVerified = pin === undefined && !insecure;
  // An IP address is verified but not sent as SNI, and a name equal to the host need not be written.
  const isUsual = hosts.length > 0 && hosts.every((other) => other === servername);
  const isSaid = (isVerified || isIP(servername) === 0) && !isUsual;
  return {
    ...own,
    ...(isSaid && servername !== '' && { servername }),
    ...(isVerified ? { cacert: cacert ?? systemAuthorities } : pin === undefined ? { insecure: true } : { pin }),
  };
}
