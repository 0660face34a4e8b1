import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { schemes } from '../../carriers/index.ts';
import { usageError } from '../../core/errors.ts';
import { Scope } from '../../core/scope.ts';
import { parseHop } from '../../syntax/hop.ts';
import { parseTargetArguments } from '../../syntax/target.ts';
import { limitGroup, readLimits } from '../options/limits.ts';
import { outputGroup } from '../options/output.ts';
import { pacGroup, readRest } from '../options/route.ts';
import { readTlsConfig, tlsOptions } from '../options/tls.ts';
import type { Arguments } from '../parse/arguments.ts';
import type { CommandContext, CommandSpec } from '../parse/command.ts';
import { endOnSignals } from '../process/signals.ts';
import { createReport } from '../terminal/report.ts';

/** `tunl pac`: asks a PAC file for the way to a target. */
export const pac: CommandSpec = {
  name: 'pac',
  forms: ['URL HOST:PORT', 'URL HOST PORT'],
  summary: 'ask a PAC file for the way to a target, and say what it did',
  examples: [
    { what: 'which proxy is it?', line: 'tunl pac http://wpad.corp.example/proxy.pac db.internal:5432' },
    { what: 'of a file that is being written', line: 'tunl pac ./proxy.pac example.org:443' },
    { what: 'of the settings of this machine', line: 'tunl pac system example.org:443' },
    { what: 'for a script', line: 'tunl pac --json http://wpad.corp.example/proxy.pac example.org:443' },
  ],
  common: [tlsOptions.cacert, tlsOptions.insecure],
  groups: [pacGroup, limitGroup('forward'), outputGroup],
  completes: 'file',
  run,
};

async function run(args: Arguments, { io, ui }: CommandContext): Promise<number> {
  const [url, ...words] = args.operands;
  if (url === undefined) throw usageError('the URL of a PAC file is missing', 'write tunl pac URL HOST:PORT');
  const { open: _none, ...hop } = parseHop(
    toHopText(url),
    { source: 'URL', tls: readTlsConfig(args), headers: [] },
    schemes,
  );
  if (!hop.chooser || hop.chooser.kind === 'direct') {
    throw usageError(
      'that is a proxy, and no PAC file',
      'write tunl pac http://HOST/PATH HOST:PORT, or tunl pac system HOST:PORT',
    );
  }
  const target = parseTargetArguments(words);
  const { family, resolver } = readRest(args);
  const options = {
    hop,
    target,
    limits: readLimits(args, 'forward'),
    ...(family && { family }),
    ...(resolver && { resolver }),
  };
  const [{ askPac }, { formatReport }] = await Promise.all([
    import('../../app/commands/pac.ts'),
    import('../terminal/pac-report.ts'),
  ]);
  const scope = new Scope();
  const ending = endOnSignals(io, scope);
  const report = askPac(options, { scope, emit: createReport(ui, 'connect') });
  const status = report.then((found) => {
    ui.print(ui.output.form === 'json' ? `${JSON.stringify(found)}\n` : formatReport(found));
    return ending.exit() ?? 0;
  });
  return Promise.race([ending.now, status]);
}

/** Turns the URL or the path of a PAC file into what `-x` accepts. */
function toHopText(text: string): string {
  if (/^pac\+|^system(?:\?|$)/i.test(text)) return text;
  if (/^(?:https?|file):/i.test(text)) return `pac+${text}`;
  return `pac+${pathToFileURL(resolve(text)).href}`;
}
