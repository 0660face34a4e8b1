/** Error codes of HTTP/2 that we send or tell apart (RFC 9113, section 7). */
export const resetCodes = {
  noError: 0x0,
  internalError: 0x2,
  refusedStream: 0x7,
  cancel: 0x8,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  http11Required: 0xd,
} as const;

const names = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** The name of an error code (RFC 9113, section 7). */
export function resetName(code = 0): string {
  return names[code] ?? `code ${code}`;
}
