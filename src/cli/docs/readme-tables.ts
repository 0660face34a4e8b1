import { schemes } from '../../carriers/index.ts';
import { listExitCodes } from './exit-codes.ts';

/** The tables of README.md between `<!-- generated: NAME -->` and `<!-- end -->`, by name. */
const readmeTables: Readonly<Record<string, () => string>> = {
  carriers: () =>
    formatTable(
      ['URL', 'tunnel', 'default port'],
      schemes.map(({ scheme, summary, defaultPort }) => [`\`${scheme}://\``, summary, String(defaultPort)]),
    ),
  'exit codes': () =>
    formatTable(
      ['status', 'when'],
      listExitCodes().map(({ status, codes }) => [status, codes.map(({ sentence }) => sentence).join('; ')]),
    ),
};

/** Returns the text of README.md with its tables made anew. */
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
