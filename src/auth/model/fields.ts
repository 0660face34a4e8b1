/**
 * The status and the fields by which a peer asks who we are, the field that tells it, and the one of its proof. A proxy
 * asks in one way (RFC 9110, section 11.7), an origin server in another (section 11.6).
 */
export interface AuthFields {
  readonly status: 407 | 401;
  /** In lower case, as fields of answers are read. */
  readonly challenge: 'proxy-authenticate' | 'www-authenticate';
  /** As it is written in requests. */
  readonly credentials: 'Proxy-Authorization' | 'Authorization';
  /** In lower case. */
  readonly info: 'proxy-authentication-info' | 'authentication-info';
  /** The fields that keep the connection of an old peer open until a scheme that is bound to it has ended. */
  readonly keeping: readonly (readonly [name: string, value: string])[];
}

/** The way in which a proxy asks. */
export const proxyAuth: AuthFields = {
  status: 407,
  challenge: 'proxy-authenticate',
  credentials: 'Proxy-Authorization',
  info: 'proxy-authentication-info',
  keeping: [['Proxy-Connection', 'keep-alive']],
};

/** The way in which an origin server asks. */
export const originAuth: AuthFields = {
  status: 401,
  challenge: 'www-authenticate',
  credentials: 'Authorization',
  info: 'authentication-info',
  keeping: [],
};
