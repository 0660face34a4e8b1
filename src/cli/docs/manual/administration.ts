import type { Section } from './roff.ts';

/** The section about watching and controlling a running program. */
export const administration: Section = {
  title: 'ADMINISTRATION',
  blocks: [
    'With `--admin` the program can be watched and controlled over HTTP, with the paths of Envoy: a page for browsers at `/`, and for programs `/ready` (200, or 503 while it is stopping), `/listeners`, `/clusters`, `/config_dump` (without any secret), `/stats`, `/stats/prometheus`, `/server_info`, `/certs`. `/help` lists them all.',
    {
      term: '`/tunnels`, `DELETE /tunnels/`ID',
      text: 'The open tunnels as JSON, or as a table with `?format=text`; DELETE ends one of them.',
    },
    {
      term: '`POST`',
      text: '`/drain_listeners` closes the listeners, `/quitquitquit` ends the program with status 0, `/healthcheck/fail` makes `/ready` answer 503, `/logging?level=debug` prints more messages.',
    },
    'No tunnel of the program can reach its admin address, whatever the rules allow: such a target is refused, and a stage with that target does not start. Requests from pages of other sites are refused, and so are host names other than `localhost`: use the IP address.',
  ],
};
