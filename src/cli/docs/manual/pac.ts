import type { Block, Section } from './roff.ts';

/** The prose of the page about `tunl pac`. */
export const pacProse: { readonly description: readonly Block[]; readonly sections: readonly Section[] } = {
  description: [
    'Reads a PAC file, asks it for the way to a target, and prints its answer, the functions that it called with their results, and how long it took. URL is `http:`, `https:` or `file:`, a path, or `system` for the settings of this machine. Nothing is dialled but the server of the file.',
    'Copies are not used without asking: the server says whether they are still right. With `--json` standard output is one JSON object.',
  ],
  sections: [
    {
      title: 'LIMITS OF A PAC FILE',
      blocks: [
        'It is read within 30 seconds and has at most 1 MiB. It may run for 200 milliseconds at a time, is run at most 21 times for a decision, uses at most 32 MiB, and asks for at most 64 names, which are looked up within 5 seconds in all. See `docs/pac.md` in the package.',
      ],
    },
  ],
};

/** The paragraphs about PAC files and the settings of the system in the part on proxies. */
export const chooserProse: readonly Block[] = [
  '`-x pac+http://HOST/PATH`, `pac+https://` or `pac+file:///PATH` goes through the proxies that a PAC file names for each target, and `-x system` through those of the settings of GNOME, KDE, macOS or Windows; each can only be first. The file is asked about https://HOST:PORT/ of the target. Of its answer only a proxy that cannot be resolved or connected to gives way to the next, which then comes first for five minutes. Its `SOCKS` and `SOCKS4` are `socks4://`, and `SOCKS5` is `socks5h://`. The file is read directly, and a copy is kept for an hour. Its proxies get no credentials but those that `~/.netrc` has for exactly their hosts; `?trust=*.corp.example` adds tickets, tokens, certificates and secret headers for such hosts.',
  'With `|direct` behind the first proxy, as in `pac+http://wpad.corp/proxy.pac|direct`, tunl goes without a proxy if the PAC file cannot be had, or the name of the proxy does not resolve: away from the office. It never does so because a proxy refuses.',
];
