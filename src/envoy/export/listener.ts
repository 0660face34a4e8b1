import { listRoutesOut, listScreens, type Stage } from '../../chain/model/graph.ts';
import { isChosenByName, looksAtHello } from '../../chain/model/chosen.ts';
import { listRules } from '../../chain/model/screen.ts';
import { toStateFilters } from './filter-state.ts';
import { toConnectionFilters } from './rbac.ts';
import { toListenerSocket } from './tls.ts';
import { toAddress, type Tree, typed } from './terms.ts';

/** Makes a listener with one filter that takes all connections, behind those that let connections pass. */
export function toListener(stage: Stage, filter: Tree, alpn: readonly string[] = []): Tree {
  const { name, listen, tls, acceptProxyProtocol } = stage;
  const [address] = listen;
  const isInside = address?.kind === 'internal';
  const state = stage.job === 'forward' ? stage.state : undefined;
  const filters = [...toConnectionFilters(stage), ...toStateFilters(state, 'network'), filter];
  const early = [
    ...(acceptProxyProtocol ? [toHeaderFilter(acceptProxyProtocol)] : []),
    ...(isServerNameAsked(stage) ? [inspector] : []),
  ];
  return {
    name,
    ...(isInside ? { internal_listener: {} } : address && { address: toAddress(address) }),
    ...(early.length > 0 && { listener_filters: early }),
    filter_chains: [{ filters, ...(tls && { transport_socket: toListenerSocket(tls, alpn) }) }],
  };
}

/** Makes the filter that reads the PROXY header. */
function toHeaderFilter(need: 'required' | 'optional'): Tree {
  return {
    name: 'envoy.filters.listener.proxy_protocol',
    typed_config: typed(
      'filters.listener.proxy_protocol.v3.ProxyProtocol',
      need === 'optional' ? { allow_requests_without_proxy_protocol: true } : {},
    ),
  };
}

/** Finds PROXY headers that Envoy does not read or write at the same place. */
export function* findInHeaders(stage: Stage): Generator<readonly [message: string, hint: string]> {
  const isInside = stage.listen.some(({ kind }) => kind === 'internal');
  if (stage.acceptProxyProtocol && isInside)
    yield ['it reads PROXY headers at addresses of the system', 'leave accept-proxy-protocol to the outer stage'];
  const most = stage.job === 'forward' ? 1 : 0;
  const isFar = listRoutesOut(stage).some(
    ({ route }) => route.sendProxyProtocol && (isInside || route.entry || route.hops.length > most),
  );
  if (!isFar) return;
  yield [
    'it sends PROXY headers where the stage that clients connect to opens the connection',
    'leave send-proxy-protocol out, or the proxies and stages before it',
  ];
}

/** The filter without which Envoy knows no server name. */
const inspector = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: typed('filters.listener.tls_inspector.v3.TlsInspector'),
};

/** True if a rule or a value of the stage looks at the server name that clients ask for in TLS. */
function isServerNameAsked(stage: Stage): boolean {
  if (stage.job === 'forward' && (looksAtHello(stage) || isChosenByName(stage))) return true;
  return stage.tls !== undefined && listRules(listScreens(stage)).some(({ kind }) => kind === 'server-name');
}
