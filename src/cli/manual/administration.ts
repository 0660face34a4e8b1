import type { Section } from './roff.ts';

/** The section about watching and controlling a running program. */
export const administration: Section = {
  title: 'ADMINISTRATION',
  blocks: [
    'With `--admin` the program tells of itself by HTTP, under the paths that Envoy has: for a browser a page at `/`, for programs `/ready` (200, or 503 while it is stopping), `/listeners`, `/clusters`, `/config_dump` (without any secret), `/stats`, `/stats/prometheus`, `/server_info`, `/certs`. `/help` lists them all.',
    {
      term: '`/tunnels`, `DELETE /tunnels/`ID',
      text: 'The open tunnels as JSON, or with `?format=text` as a table; and the order to end one of them.',
    },
    {
      term: '`POST`',
      text: '`/drain_listeners` closes the listeners, `/quitquitquit` ends the program with status 0, `/healthcheck/fail` makes `/ready` say no, `/logging?level=debug` says more.',
    },
    'No tunnel of the program leads to its admin address, whatever the rules say: a target that is this address is refused, and a stage that has it as its target does not start. Requests that come from pages of other sites are refused, and so are host names but `localhost`: ask by the IP address.',
  ],
};
