export { startForward } from './app/forward.ts';
export type { ForwardOptions, ForwardSpec, Limits, Running, Runtime, ServeOptions } from './app/options.ts';
export { startServe } from './app/serve.ts';
export type { Address, TcpAddress, UnixAddress } from './core/address.ts';
export { type ErrorCode, exitOf, TunlError } from './core/errors.ts';
export type { EventSink, TunlEvent } from './core/events.ts';
export type { Hop, TlsSettings } from './core/hop.ts';
export { Scope } from './core/scope.ts';
export { Secret } from './core/secret.ts';
