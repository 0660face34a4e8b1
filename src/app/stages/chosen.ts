import { type Address, formatAddress, type TcpAddress } from '../../core/address.ts';
import type { Dial, DialContext } from '../../core/dialer.ts';
import { TunlError, usageError } from '../../core/errors.ts';
import { formatHop, type Hop } from '../../core/hop.ts';
import { isSecretField } from '../../core/secret.ts';
import { tokenSettings } from '../../auth/schemes/bearer.ts';
import { withoutHop } from '../../dial/first-of.ts';
import { BadWays } from '../../pac/ways/bad-ways.ts';
import { type Choice, ProxyChooser } from '../../pac/chooser.ts';
import { matchesGlob } from '../../pac/match/glob.ts';
import { formatWay, type NamedWay } from '../../pac/ways/result.ts';
import { pickKnown } from '../../syntax/hop.ts';
import { createHopLayer, findHopScheme, type HopLayer, type HopParts } from './hop.ts';
import { createSecurity } from './security.ts';

type ProxyWay = NamedWay & { readonly kind: 'proxy' };

/** The most proxies to which sessions are kept. */
const maxHops = 64;

/** The parts of a route that a chooser uses. */
export interface ChosenParts extends HopParts {
  /** Opens connections to the server of a PAC file. */
  readonly direct: Dial;
}

/** The parts of a chooser. */
type ChooserParts = Pick<ChosenParts, 'direct' | 'resolve'> & {
  /** True to ask for a PAC file even if there is a fresh copy on the disk. */
  readonly isRenewed?: boolean;
};

/** Makes the chooser of a hop, which reads what it needs at its first use. */
export function createChooser(hop: Hop, parts: ChooserParts): ProxyChooser {
  const { direct, resolve, isRenewed = false } = parts;
  if (!hop.chooser) throw new TunlError('internal', `${formatHop(hop)} chooses nothing`);
  return new ProxyChooser(hop.chooser, {
    dial: direct,
    resolve,
    isRenewed,
    secure: async (link, { host, port }, signal) => {
      const security = await createSecurity(hop.tls);
      return security.secure(link, { host, place: formatAddress({ kind: 'tcp', host, port }), alpn: [] }, signal);
    },
  });
}

/**
 * Makes the layer that goes through the proxies that a chooser names for each target, in the order of Chrome's rules: only
 * a proxy whose name does not resolve, or to which no connection can be made, gives way to the next.
 * @throws {TunlError} usage, if the hop is not the first on the way
 */
export function createChosenLayer(hop: Hop, place: number, parts: ChosenParts): HopLayer {
  const { options } = parts;
  if (place > 0 || options.entry) {
    throw usageError(`${formatHop(hop)} can only be first on the way`, 'put it before the other proxies');
  }
  const chooser = createChooser(hop, parts);
  const hops = new Map<string, Promise<HopLayer>>();
  const position = { index: place + 1, count: options.hops.length };
  const makeLayer = async (way: ProxyWay, choice: Choice) =>
    createHopLayer(await toHop(way, choice, hop), place, parts);
  const findLayer = (way: ProxyWay, choice: Choice): Promise<HopLayer> => {
    const key = `${formatWay(way)} ${choice.isOwn}`;
    const made = hops.get(key) ?? makeLayer(way, choice);
    made.catch(() => hops.delete(key));
    hops.delete(key);
    hops.set(key, made);
    const [oldest] = hops;
    if (oldest && hops.size > maxHops) {
      hops.delete(oldest[0]);
      void oldest[1].then((layer) => layer.close());
    }
    return made;
  };
  return {
    layer: (next) => {
      const bad = new BadWays();
      const dials = new WeakMap<HopLayer, Dial>();
      const dialWay = async (way: NamedWay, choice: Choice, address: Address, ctx: DialContext) => {
        if (way.kind !== 'proxy') return withoutHop(next, position.index)(address, ctx);
        const layer = await findLayer(way, choice);
        const dial = dials.get(layer) ?? layer.layer(next);
        dials.set(layer, dial);
        return dial(address, ctx);
      };
      return async (address, ctx) => {
        const notice = ctx.onNotice ?? (() => {});
        const target = expectTcp(address, hop);
        const choice = await chooser.choose(target, ctx.signal, notice).catch((error: unknown) => {
          throw error instanceof TunlError && error.side === 'hop' ? error.with({ hop: position }) : error;
        });
        notice('verbose', choice.reason);
        const failed: string[] = [];
        let failure: unknown;
        for (const way of bad.sort(choice.ways, formatWay)) {
          try {
            const link = await dialWay(way, choice, address, ctx);
            bad.learn(failed, formatWay(way));
            return link;
          } catch (error) {
            if (ctx.signal.aborted || way.kind === 'direct' || !isUnreached(error, position.index)) throw error;
            failed.push(formatWay(way));
            // A name that does not resolve says less than a proxy that is there and takes no connection.
            if (!(failure instanceof TunlError) || failure.phase === 'dns') failure = error;
            if (failed.length < choice.ways.length) ctx.onFailure?.(error);
          }
        }
        throw failure;
      };
    },
    renew: () => chooser.renew(),
    reload: async () => {
      chooser.renew();
      await Promise.all([...hops.values()].map(async (made) => (await made).reload()));
    },
    close: async () => {
      chooser.close();
      await Promise.all([...hops.values()].map(async (made) => (await made).close()));
    },
  };
}

/** True if the proxy at this place on the way could not be resolved or connected to. */
function isUnreached(error: unknown, place: number): error is TunlError {
  if (!(error instanceof TunlError) || error.side !== 'hop' || error.facts.hop?.index !== place) return false;
  return error.phase === 'dns' || error.phase === 'connect';
}

function expectTcp(address: Address, hop: Hop): TcpAddress {
  if (address.kind === 'tcp') return address;
  throw usageError(`${formatHop(hop)} names no proxies for ${formatAddress(address)}`);
}

/**
 * Makes the hop of a proxy that was chosen. A host that a PAC file names is not sent what proves who the user is, unless
 * the user trusts it, or has noted a password for exactly that host.
 */
async function toHop({ scheme, host, port }: ProxyWay, { isOwn }: Choice, from: Hop): Promise<Hop> {
  const { tls, carrier } = findHopScheme({ scheme });
  const { trust = '', ...settings } = from.settings;
  const isTrusted = isOwn || trust.split(',').some((pattern) => matchesGlob(host, pattern));
  const isOpen = ([name]: readonly [string, string]) => !tokenSettings.some((setting) => setting.name === name);
  const { cert: _cert, key: _key, keyPassword: _password, keyPasswordFile: _file, ...open } = from.tls;
  const hasFields = carrier.protocol !== 'socks';
  const fields = isTrusted ? from.headers : from.headers.filter(([name]) => !isSecretField(name));
  const given = pickKnown(settings, carrier);
  const credentials = carrier.credentials === undefined ? await from.chooser?.findLogin?.(host) : undefined;
  return {
    scheme,
    address: { kind: 'tcp', host, port },
    tls: tls ? (isTrusted ? from.tls : open) : {},
    headers: hasFields ? fields : [],
    ...(hasFields && from.formats && { formats: from.formats }),
    ...(from.halfClose && { halfClose: from.halfClose }),
    ...(credentials && { credentials }),
    ...(from.variable !== undefined && { variable: from.variable }),
    settings: isTrusted ? given : Object.fromEntries(Object.entries(given).filter(isOpen)),
    ...(!isTrusted && { signOn: false }),
  };
}
