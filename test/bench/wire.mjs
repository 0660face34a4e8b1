/** How many bytes of an upload the origin acknowledges with one byte. */
export const bytesPerAck = 64 * 1024;
