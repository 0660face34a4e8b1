/** The opcodes of frames that tunnels use (RFC 6455, section 5.2). */
export const opcodes = { continuation: 0x0, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** The reasons in a Close frame that we send (RFC 6455, section 7.4.1). */
export const closeCodes = { normal: 1000, protocolError: 1002, internalError: 1011 } as const;

/** The side that sends a frame. The frames of a client are masked, and those of a server never (RFC 6455, section 5.1). */
export type Sender = 'client' | 'server';

/** Bits of the first two bytes of a frame. */
export const [finBit, reservedBits, maskBit, lengthBits] = [0x80, 0x70, 0x80, 0x7f];

/** Lengths that stand for longer fields: two bytes, or eight. */
export const [shortLength, longLength] = [126, 127];

/** The longest head of a frame: two bytes, eight of length, four of the mask. */
export const maxHeadBytes = 14;

/** The most bytes in the payload of a control frame (RFC 6455, section 5.5). */
export const maxControlBytes = 125;

/** Thrown for bytes that break RFC 6455, or the rules of tunnels in it. */
export class FrameError extends Error {}
