declare const TUNL_VERSION: string | undefined;
declare const TUNL_SINGLE: boolean | undefined;

/** Version of the program. The build fills it in; sources run from a checkout say `0.0.0-dev`. */
export const version: string = typeof TUNL_VERSION === 'string' ? TUNL_VERSION : '0.0.0-dev';

/** The part of `node:sea` that we use; our types of Node are older. */
interface Sea {
  /** Returns a file that the executable contains, by its path in the package. @throws {Error} if there is none */
  getRawAsset(name: string): ArrayBuffer;
}

/** In the single executable, which contains Node and every file that the program reads of its own; else undefined. */
export const single: Sea | undefined =
  typeof TUNL_SINGLE === 'boolean' && TUNL_SINGLE ? (process.getBuiltinModule('node:sea') as Sea) : undefined;
