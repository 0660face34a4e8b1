import { carriers, schemes } from '../../carriers/index.ts';
import { resumeName } from '../../resume/setting.ts';
import { listExitCodes } from './exit-codes.ts';

/** The tables of pages between `<!-- generated: NAME -->` and `<!-- end -->`, by name. */
const readmeTables: Readonly<Record<string, () => string>> = {
  carriers: () =>
    formatTable(
      ['URL', 'tunnel', 'default port'],
      carriers.map(({ schemes: group }) => [
        group.map(({ scheme }) => `\`${scheme}://\``).join(', '),
        joinSummaries(group.map(({ summary }) => summary)),
        [...new Set(group.map(({ defaultPort }) => defaultPort))].join(', '),
      ]),
    ),
  abilities: () =>
    formatTable(
      [
        'URL',
        'asks in',
        'each half ends by itself',
        'a reset is seen',
        'login',
        'names are resolved by',
        'says why it fails',
        'accepted by `tunl serve`',
      ],
      schemes.map(describeAbilities),
    ),
  'exit codes': () =>
    formatTable(
      ['status', 'when'],
      listExitCodes().map(({ status, codes }) => [status, codes.map(({ sentence }) => sentence).join('; ')]),
    ),
};

/** Joins summaries that begin alike, and writes the words that all begin with only once. */
function joinSummaries([first = '', ...others]: readonly string[]): string {
  const words = first.split(' ');
  const isShared = (count: number) => others.every((other) => other.startsWith(words.slice(0, count).join(' ')));
  const shared = words.findLastIndex((_, index) => isShared(index + 1)) + 1;
  return [first, ...others.map((other) => other.split(' ').slice(shared).join(' '))].join(' / ');
}

function describeAbilities({ scheme, carrier, families, tls }: (typeof schemes)[number]): readonly string[] {
  const { protocol, halfClose, reset, credentials, reasons, serveFlag, modes } = carrier;
  const flag = modes ? resumeName : serveFlag?.name;
  const isYes = (can: boolean) => (can ? 'yes' : 'no');
  const login = { all: 'user and password', user: 'user', none: 'no' };
  return [
    `\`${scheme}://\``,
    `${protocol === 'socks' ? 'SOCKS' : 'HTTP'}${tls ? ' over TLS' : ''}`,
    isYes(halfClose === 'native'),
    isYes(reset === 'native'),
    tls?.clientCert ? 'certificate' : login[credentials === undefined ? 'all' : credentials || 'none'],
    families ? `tunl, to ${families.map((family) => `IPv${family}`).join(' and ')}` : 'the proxy',
    isYes(reasons !== false),
    flag === undefined ? isYes(protocol === undefined) : `with \`--${flag}\``,
  ];
}

/** Returns the text of a page with its tables made anew. */
export function fillTables(text: string): string {
  return text.replaceAll(
    /(<!-- generated: (.+?) -->\n).*?(?=<!-- end -->)/gs,
    (_all, start: string, name: string) => `${start}${readmeTables[name]?.() ?? `there is no table ${name}`}\n`,
  );
}

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const format = (cells: readonly string[]) => `| ${cells.map(escape).join(' | ')} |`;
  return [format(head), `|${'---|'.repeat(head.length)}`, ...rows.map(format)].join('\n');
}

function escape(cell: string): string {
  return cell.replaceAll('|', String.raw`\|`);
}
