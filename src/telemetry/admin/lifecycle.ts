import { badRequest, done, type AdminEndpoint, json, text } from './endpoint.ts';
import { type LogLevel, levels } from './subject.ts';

/** Paths for the state of the program, and for orders that end it. */
export const lifecycle: readonly AdminEndpoint[] = [
  {
    path: '/ready',
    method: 'GET',
    summary: 'print the state of the program: 200 if it is LIVE, otherwise 503',
    answer: ({ state }) => text(`${state()}\n`, state() === 'LIVE' ? 200 : 503),
  },
  {
    path: '/server_info',
    method: 'GET',
    summary: 'print version, state and uptime',
    answer: (subject) => {
      const uptime = `${Math.floor(subject.uptimeMs() / 1000)}s`;
      return json({
        version: subject.version,
        state: subject.state(),
        uptime_current_epoch: uptime,
        uptime_all_epochs: uptime,
        hot_restart_version: 'disabled',
        command_line_options: { log_level: subject.level() },
        node: { id: '', cluster: '', user_agent_name: 'tunl' },
      });
    },
  },
  {
    path: '/drain_listeners',
    method: 'POST',
    summary: 'close the listeners; tunnels live on',
    params: {
      graceful: 'then end, as the first SIGTERM does: tunnels may finish within --grace',
      skip_exit: 'with graceful: close the listeners only',
    },
    answer: ({ closeListeners, drain }, { query }) => {
      const isLast = query.has('graceful') && !query.has('skip_exit');
      return done(isLast ? drain : closeListeners);
    },
  },
  {
    path: '/quitquitquit',
    method: 'POST',
    summary: 'end the program now; open tunnels are cut',
    answer: ({ quit }) => done(quit),
  },
  {
    path: '/healthcheck/fail',
    method: 'POST',
    summary: 'make /ready say DRAINING; nothing else changes',
    answer: ({ setHealth }) => (setHealth('failed'), done()),
  },
  {
    path: '/healthcheck/ok',
    method: 'POST',
    summary: 'take /healthcheck/fail back',
    answer: ({ setHealth }) => (setHealth('passed'), done()),
  },
  {
    path: '/logging',
    method: 'POST',
    summary: 'query or change how much is logged',
    params: { level: `one of ${levels.join(', ')}; info is the usual, debug is -v, trace is -vv, the others are -q` },
    answer: (subject, { query }) => {
      const asked = query.get('level') ?? '';
      const show = () => `active loggers:\n  tunl: ${subject.level()}\n`;
      if (asked === '') return text(show());
      if (!isLevel(asked)) {
        const usage = `usage: /logging?level=<level> (change all levels)\nlevels: ${levels.join(' ')}`;
        return badRequest(`error: unknown logger level\n\n${usage}\n${show()}`);
      }
      subject.setLevel(asked);
      return text(show());
    },
  },
];

function isLevel(text: string): text is LogLevel {
  return (levels as readonly string[]).includes(text);
}
