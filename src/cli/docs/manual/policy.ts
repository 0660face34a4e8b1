import type { Section } from './roff.ts';

/** The section about the targets that `serve` allows. */
export const rules: Section = {
  title: 'RULES',
  blocks: [
    'A rule is PATTERN[:PORTS], such as `*.example.com:443,22`, `10.0.0.0/8:*` or `localhost:22`. If there is an `--allow`, all other targets are denied; `--deny` wins over `--allow`.',
    'Only an address, a range or an exact name allows special addresses, never a wildcard. tunl checks the resolved address, and dials exactly that one.',
  ],
};

/** The section about the users of `serve`. */
export const users: Section = {
  title: 'USERS',
  blocks: [
    'The file of `--auth-file` has lines as `htpasswd` writes them, USER:HASH, and as `htdigest` does, USER:REALM:HASH, where a hash of 32 digits is MD5 and one of 64 is SHA-256. With the latter, clients are asked for Digest or Basic. All have one realm, and if one user has a line with SHA-256, each must, because clients choose it.',
    'Wrong passwords make the next attempt wait at their source: 0.25 s after three of one user, then twice as long, up to 4 s, and up to 1 s after 30 of all users. Other sources and open tunnels never wait.',
  ],
};
