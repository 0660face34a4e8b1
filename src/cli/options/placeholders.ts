import { type Address, formatAddress, type ListenAddress, type TcpAddress } from '../../core/address.ts';
import { usageError } from '../../core/errors.ts';
import { writeUnixPath } from '../../core/unix-path.ts';
import { quote } from '../../syntax/text.ts';

/** The facts about one listener that a command can use. */
const parts = ['port', 'host', 'addr'] as const;
type Part = (typeof parts)[number];

/** The values of one listener; a Unix socket has no port. */
export type PlaceholderValues = Readonly<Partial<Record<Part, string>>>;

/** The variables that we set; those of an outer tunl are not meant for our command. */
const ownVariable = /^TUNL_(?:PORT|HOST|ADDR)(?:_\d+)?$/;

// `{{word}}` stands for the text {word}. The braces of other programs are left alone: ${word} of shells,
// %{word} of curl, @{word} of git, #{word} of tmux. user@{host} is a placeholder of ours, though.
const braces = /\{\{([A-Za-z][\w-]*)\}\}|(?<![$%])\{((?:port|host|addr)\d*)\}|(?<![$%@#\\])\{([A-Za-z][\w-]*)\}/g;

/**
 * Rejects a command with a placeholder that no listener can fill.
 * @throws {TunlError} usage
 */
export function checkPlaceholders(words: readonly string[], listeners: readonly ListenAddress[]): void {
  // The address of an inherited descriptor, like the number of a free port, is known only later.
  fillPlaceholders(
    words,
    listeners.map((address) => (address.kind === 'fd' ? { port: '', host: '', addr: '' } : toPlace(address))),
  );
}

/**
 * Fills `{port}`, `{host}` and `{addr}` with the values of the first listener, `{port2}` and so on
 * with those of the second.
 * @throws {TunlError} usage, if a placeholder does not exist
 */
export function fillPlaceholders(words: readonly string[], places: readonly PlaceholderValues[]): string[] {
  return words.map((word) =>
    word.replaceAll(braces, (whole, literal?: string, known?: string, unknown?: string) => {
      if (literal !== undefined) return `{${literal}}`;
      const [, part = '', digits = '1'] = /^([a-z]+?)([1-9]\d*)?$/.exec(known ?? '') ?? [];
      const place = places[Number(digits) - 1];
      const value = unknown === undefined && isPart(part) ? place?.[part] : undefined;
      if (value === undefined) throw unknownPlaceholder(whole, places);
      return value;
    }),
  );
}

/** Returns the environment with variables for the listeners: `TUNL_PORT`, `TUNL_PORT_1` and so on. */
export function setVariables(
  env: Readonly<Record<string, string | undefined>>,
  places: readonly PlaceholderValues[],
): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !ownVariable.test(name));
  const numbered = places.map((place, index) => [`_${index + 1}`, place] as const);
  const first = places.slice(0, 1).map((place) => ['', place] as const);
  const set = [...first, ...numbered].flatMap(([suffix, place]) =>
    Object.entries(place).map(([part, value]) => [`TUNL_${part.toUpperCase()}${suffix}`, value] as const),
  );
  return Object.fromEntries([...kept, ...set]);
}

/** Returns the address at which a client on this machine reaches a listener. */
export function toPlace(address: Address): PlaceholderValues {
  switch (address.kind) {
    case 'tcp': {
      const host = toReachable(address);
      return { port: String(address.port), host, addr: formatAddress({ ...address, host }) };
    }
    case 'unix':
      return { host: writeUnixPath(address.path), addr: formatAddress(address) };
    case 'fd':
    case 'internal':
      return { addr: formatAddress(address) };
  }
}

/** Replaces the wildcard address by loopback. */
function toReachable({ host }: TcpAddress): string {
  return host === '0.0.0.0' || host === '::' || host === '*' ? '127.0.0.1' : host;
}

function isPart(text: string): text is Part {
  return (parts as readonly string[]).includes(text);
}

function unknownPlaceholder(text: string, places: readonly PlaceholderValues[]) {
  const names = places.flatMap((place, index) =>
    parts.flatMap((part) => (place[part] === undefined ? [] : [`{${part}${places.length > 1 ? index + 1 : ''}}`])),
  );
  return usageError(
    `the command has a placeholder that does not exist: ${quote(text)}`,
    `there are ${names.join(' ')}; for the text itself write {${text}}`,
  );
}
