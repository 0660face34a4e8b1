import { type Chooser, formatPlace, type Hop } from '../../core/hop.ts';
import { encodePercent } from '../../core/octets.ts';
import { halfCloseName } from '../../syntax/hop.ts';
import { tlsKeys, tlsNames } from '../../syntax/tls.ts';
import type { HopConfig } from './schema-parts.ts';
import type { SecretNames } from './secret-names.ts';
import { escapeVariables } from './secrets.ts';

/** Writes a hop as in a file, without its secrets. The result is a URL if that can express all settings. */
export function formatHopConfig(hop: Hop, names: SecretNames): string | HopConfig {
  const { credentials, headers, formats = [] } = hop;
  const password = credentials && names.of(credentials.password);
  const isInUrl = password !== undefined && /^(?:\$\{\w+\})?$/.test(password);
  const url = formatHopUrl(hop, isInUrl ? `:${password}` : '');
  const { keyPasswordFile: _inUrl, ...tls } = hop.tls;
  const keyPassword = names.ofKey(tls);
  const others = headers.length + formats.length + Object.keys(keyPassword).length;
  if ((password === undefined || isInUrl) && others === 0) return url;
  return {
    url,
    ...(password !== undefined && !isInUrl && { password }),
    ...keyPassword,
    ...(headers.length > 0 && { headers: formatHeaders(headers, names) }),
    ...(formats.length > 0 && { formats: formatHeaders(formats, names) }),
  };
}

/**
 * Writes a hop as a URL that `-x` accepts, with its user and settings.
 * @param password what stands behind the user: nothing, or a colon and a reference to the password
 */
export function formatHopUrl(hop: Hop, password = ''): string {
  if (hop.chooser) return formatChooser(hop.chooser, formatSettings(hop));
  const user = hop.credentials ? `${encodePercent(hop.credentials.user)}${password}@` : '';
  return `${hop.scheme}://${user}${formatPlace(hop.address)}${formatSettings(hop)}`;
}

/** Writes a chooser with its settings, which follow the query of a PAC file. */
function formatChooser({ name, url }: Chooser, settings: string): string {
  if (url === undefined) return `${name}${settings}`;
  return `pac+${encode(url, /[|$]/g)}${url.includes('?') ? settings.replace('?', '&') : settings}`;
}

function formatSettings({ tls, halfClose, settings }: Hop): string {
  const given = tlsNames.flatMap((name) => {
    const value = name === 'key' && tls.key === tls.cert ? undefined : tls[tlsKeys[name]];
    return value === undefined || value === false ? [] : [value === true ? name : `${name}=${encode(String(value))}`];
  });
  const own = Object.entries(settings).map(([name, value]) => `${name}=${encode(value)}`);
  const all = [...given, ...(halfClose ? [`${halfCloseName}=${halfClose}`] : []), ...own];
  return all.length === 0 ? '' : `?${all.join('&')}`;
}

/** Escapes only the characters that a query requires, and `|` and `$`, which mark alternatives and variables. */
function encode(value: string, chars = /[%&#|$\s]/g): string {
  return value.replaceAll(chars, (char) => encodeURIComponent(char));
}

function formatHeaders(headers: Hop['headers'], names: SecretNames): Record<string, string | string[]> {
  const fieldNames = [...new Set(headers.map(([name]) => name))];
  return Object.fromEntries(
    fieldNames.map((name) => {
      const values = headers
        .filter((field) => field[0] === name)
        .map((field) => names.find(field) ?? escapeVariables(field[1]));
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}
