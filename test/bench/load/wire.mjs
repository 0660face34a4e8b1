/** The number of bytes of an upload that the origin acknowledges with one byte. */
export const bytesPerAck = 64 * 1024;

/** Length of the small and of the large body that the HTTP origin sends, and of the body that is sent to it. */
export const smallBody = 64;
export const largeBody = 1024 * 1024;
