declare const TUNL_VERSION: string | undefined;

/** Version of the program. The build fills it in; sources run from a checkout say `0.0.0-dev`. */
export const version: string = typeof TUNL_VERSION === 'string' ? TUNL_VERSION : '0.0.0-dev';
