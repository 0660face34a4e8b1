import { usageError } from '../../core/errors.ts';
import type { Arguments } from '../arguments.ts';
import type { CommandContext, CommandSpec } from '../command.ts';
import { graceOption, limitGroup, readGrace, readLimits } from '../options/limits.ts';
import { readRoute, routeGroup } from '../options/route.ts';
import { readTlsWords } from '../options/tls.ts';
import { voiceGroup } from '../options/voice.ts';

const limits = { linger: '60s', idle: 'off' };

/** `tunl forward`: local listeners, each leading to a target. */
export const forward: CommandSpec = {
  name: 'forward',
  forms: ['SPEC...'],
  summary: 'open local listeners that lead to targets',
  examples: [
    {
      what: 'port 5432 of this machine is the database',
      line: 'tunl forward 5432:db.internal:5432 -x http://proxy:3128',
    },
    { what: 'a free port, printed once it listens', line: 'tunl forward :db.internal:5432 -x http://proxy:3128' },
    {
      what: 'several at once, one of them a Unix socket',
      line: 'tunl forward 8080:web:80 unix:/tmp/db.sock:db:5432 -x https://edge.example',
    },
  ],
  groups: [{ title: 'Running', options: [graceOption] }, routeGroup, limitGroup(limits), voiceGroup],
  outlivesDefects: true,
  run,
};

async function run(args: Arguments, { io, ui }: CommandContext): Promise<number> {
  const { parseForwardSpec } = await import('../options/forward-spec.ts');
  const { refuseDuplicates } = await import('../options/listen.ts');
  if (args.rest !== undefined) throw usageError('-- COMMAND is not supported in this version');
  if (args.operands.length === 0) {
    throw usageError('a SPEC is missing', 'write PORT:HOST:HOSTPORT, such as 5432:db.internal:5432');
  }
  const specs = args.operands.map(parseForwardSpec);
  refuseDuplicates(specs.map(({ listen }) => listen));
  if (args.list('proxy').length > 0 && specs.some(({ target }) => target.kind === 'unix')) {
    throw usageError('a Unix socket is not reached through a proxy', 'leave -x out, or name a HOST:PORT');
  }
  const graceMs = readGrace(args);
  const targets = specs.map(({ target }) => target);
  const options = {
    limits: readLimits(args, limits),
    ...(await readRoute(args, { io, ui }, readTlsWords(args), targets)),
    specs,
  };
  const [{ startForward }, { runUntilStopped }] = await Promise.all([
    import('../../app/forward.ts'),
    import('../running.ts'),
  ]);
  return runUntilStopped({ io, ui, style: 'forward', graceMs }, (runtime) => startForward(options, runtime));
}
