import { usageError } from '../core/errors.ts';
import type { Chooser } from '../core/hop.ts';
import { redact } from './hop-url.ts';
import { hasControl, quote } from './text.ts';

/** The parts of a text that names a chooser in the place of a proxy. */
export interface ChooserText {
  readonly scheme: string;
  readonly chooser: Chooser;
  /** The settings in their written order, not decoded. */
  readonly settings: readonly string[];
  readonly label: string;
}

/**
 * Splits `pac+http://host/path?settings`, `system?settings` or `direct`. Settings whose names are in `known` are taken
 * out of the query of a PAC file, and the rest of it is sent to its server.
 * @returns undefined if the text names a proxy
 * @throws {TunlError} usage
 */
export function splitChooser(text: string, source: string, known: readonly string[]): ChooserText | undefined {
  const [, scheme, inner] = /^(pac\+(\w+)):/i.exec(text) ?? [];
  const label = `${source} ${quote(redact(text))}`;
  if (scheme !== undefined) return splitPac(text, { scheme: scheme.toLowerCase(), inner: inner ?? '', label, known });
  const [, name, query = ''] = /^(system|direct)(?:\?(.*))?$/is.exec(text) ?? [];
  if (name === undefined) return undefined;
  const kind = name.toLowerCase() === 'system' ? 'system' : 'direct';
  const settings = query.split('&').filter((pair) => pair !== '');
  if (kind === 'direct' && settings.length > 0) throw usageError(`${label} has settings, and goes through no proxy`);
  return { scheme: kind, chooser: { kind, name: kind }, settings, label };
}

function splitPac(
  text: string,
  {
    scheme,
    inner,
    label,
    known,
  }: { readonly scheme: string; readonly inner: string; readonly label: string; readonly known: readonly string[] },
): ChooserText {
  if (!/^(?:https?|file)$/i.test(inner)) {
    throw usageError(
      `${label} has an unknown scheme`,
      'a PAC file is read by pac+http://, pac+https:// or pac+file://',
    );
  }
  if (hasControl(text)) throw usageError(`${label} holds a control character`);
  const [, front = '', query = ''] = /^pac\+([^?#]*)(?:\?([^#]*))?/is.exec(text) ?? [];
  const pairs = query.split('&').filter((pair) => pair !== '');
  const isOurs = (pair: string) => known.includes(pair.replace(/=.*$/s, ''));
  const rest = pairs.filter((pair) => !isOurs(pair));
  const url = readUrl(rest.length === 0 ? front : `${front}?${rest.join('&')}`, label);
  const place = url.protocol === 'file:' ? `file://${url.pathname}` : `${url.protocol}//${url.host}${url.pathname}`;
  return {
    scheme,
    chooser: { kind: 'pac', name: `pac+${place}`, url: url.href },
    settings: pairs.filter(isOurs),
    label,
  };
}

function readUrl(text: string, label: string): URL {
  if (!URL.canParse(text)) throw usageError(`${label} is not a URL`, 'write pac+http://HOST/PATH, or pac+file:///PATH');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw usageError(`${label} has a user, and PAC files are read without one`);
  }
  if (url.protocol === 'file:' && (url.host !== '' || url.pathname === '/')) {
    throw usageError(`${label} names no file of this machine`, 'write pac+file:///PATH with three slashes');
  }
  return url;
}
