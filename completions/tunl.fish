# fish completion for tunl, made by: tunl completion fish

# The words before the current one.
function __tunl_words
    set -l words (commandline -opc)
    set -e words[1]
    printf '%s\n' $words
end

# True if this is the command, or with no argument if there is no command yet.
function __tunl_using
    for word in (__tunl_words)
        if contains -- $word connect forward serve chain check pac config ps stop logs wait passwd completion help
            test "$word" = "$argv[1]"
            return
        end
    end
    test (count $argv) -eq 0
end

# True after --, where the words belong to another command.
function __tunl_after_dashes
    contains -- -- (__tunl_words)
end

# Offers the completions of that command.
function __tunl_command
    set -l words (__tunl_words)
    set -l dashes (contains -i -- -- $words)
    set -e words[1..$dashes]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

function __tunl_schemes
    printf '%s\t%s\n' \
        'auto+https://' 'whichever works first: CONNECT over HTTP/2 or HTTP/1.1, WebSocket, POST or poll' \
        'http://' 'CONNECT over HTTP/1.1' \
        'h2://' 'CONNECT over HTTP/2 in TLS' \
        'h2c://' 'CONNECT over HTTP/2 in cleartext' \
        'hbone://' 'CONNECT over mutual-TLS HTTP/2 as Istio ambient does it' \
        'https://' 'TLS to the proxy, then CONNECT over HTTP/2 or HTTP/1.1, as the proxy chooses' \
        'poll+http://' 'bytes in many short requests, over HTTP/1.1' \
        'poll+https://' 'bytes in many short requests, over HTTP/1.1 in TLS' \
        'post+http://' 'bytes in one POST and its answer, over HTTP/1.1' \
        'post+https://' 'bytes in one POST and its answer, over TLS, HTTP/2 or HTTP/1.1' \
        'post+h2c://' 'bytes in one POST and its answer, over HTTP/2 in cleartext' \
        'post+h2://' 'bytes in one POST and its answer, over HTTP/2 in TLS' \
        'socks4://' 'SOCKS4; names are resolved here, to IPv4' \
        'socks4a://' 'SOCKS4a; the proxy resolves names' \
        'socks5://' 'SOCKS5; names are resolved here' \
        'socks5h://' 'SOCKS5; the proxy resolves names' \
        'ws://' 'bytes in a WebSocket' \
        'wss://' 'bytes in a WebSocket over TLS' \
        'pac+http://' 'the proxies that a PAC file names for each target, read over HTTP' \
        'pac+https://' 'the same over HTTPS' \
        'pac+file://' 'the same from a file of this machine: pac+file:///etc/proxy.pac' \
        'system' 'the proxies of the settings of the desktop or the operating system' \
        '@' 'a proxy of the configuration' \
        'unix:' 'a proxy on a Unix socket, over HTTP/1.1'
end

function __tunl_proxies
    set -l before (string match -r '^.*\|' -- (commandline -ct))
    set -l host (string match -r '^(?:.*\|)?[^|]*://(?:.*@)?' -- (commandline -ct))
    if string match -q -r '^(?:.*\|)?@' -- (commandline -ct)
        string replace -r '^' -- "$before" (tunl config --names proxies 2>/dev/null)
    else if test -n "$host"
        string replace -r '^' -- "$host" (__fish_print_hostnames)
    else
        string replace -r '^' -- "$before" (__tunl_schemes)
    end
end

function __tunl_specs
    set -l before (string match -r '^.*:' -- (commandline -ct))
    if string match -q '@*' -- (commandline -ct)
        tunl config --names forwards 2>/dev/null
    else if string match -q -r '^unix:[^:]*$' -- (commandline -ct)
        __fish_complete_path (commandline -ct)
    else if contains -- "$before" socks: http: any:
        return
    else if test -n "$before"
        string replace -r '(.+)' -- "$before\$1:" (__fish_print_hostnames)
    else
        printf '%s\n' socks: http: any: @
    end
end

complete -c tunl -f
complete -c tunl -n __tunl_using -s h -l help -d 'print help'
complete -c tunl -n __tunl_using -s V -l version -d 'print the version'
complete -c tunl -n __tunl_using -a connect -d 'join stdin and stdout to a target, as an ssh ProxyCommand does'
complete -c tunl -n __tunl_using -a forward -d 'open local listeners that lead to targets, and local proxies'
complete -c tunl -n __tunl_using -a serve -d 'be a tunnelling proxy; default address 127.0.0.1:3128'
complete -c tunl -n __tunl_using -a chain -d 'run several stages in one process, joined by internal:// listeners'
complete -c tunl -n __tunl_using -a check -d 'examine the way to a target: what the proxy allows, and what to type'
complete -c tunl -n __tunl_using -a pac -d 'ask a PAC file for the way to a target, and say what it did'
complete -c tunl -n __tunl_using -a config -d 'show the configuration of the user, check it, or explain a way'
complete -c tunl -n __tunl_using -a ps -d 'list what runs in the background'
complete -c tunl -n __tunl_using -a stop -d 'end what runs in the background, and wait until it has ended'
complete -c tunl -n __tunl_using -a logs -d 'print what a tunl in the background has said, also one that has ended'
complete -c tunl -n __tunl_using -a wait -d 'wait until a tunl in the background, or an address, accepts'
complete -c tunl -n __tunl_using -a passwd -d 'add a user to a file for --auth-file, or change the password'
complete -c tunl -n __tunl_using -a completion -d 'print the completions for a shell'
complete -c tunl -n __tunl_using -a help -d 'print help, also about exit-codes'

complete -c tunl -n '__tunl_using connect' -a '(__fish_print_hostnames | string replace -r \'$\' \':\')'
complete -c tunl -n '__tunl_using connect' -l check -d 'only dial the target once; the exit status says whether, and why not'
complete -c tunl -n '__tunl_using connect' -l print -d 'only print what would run, as a file for tunl chain -c; secrets are named, not printed'
complete -c tunl -n '__tunl_using connect' -l tls-target -d 'speak TLS to the target inside the tunnel; the TLS options hold for it too'
complete -c tunl -n '__tunl_using connect' -l no-cache -d 'neither use nor keep what was learned of proxies: their scheme, their HTTP, their half-close, their mode'
complete -c tunl -n '__tunl_using connect' -s x -l proxy -x -a '(__tunl_proxies)' -d 'go through this proxy; repeat it in travel order, the nearest first; a|b tries a, then b; @NAME is one of the configuration'
complete -c tunl -n '__tunl_using connect' -l retry -x -d 'dial again up to N times, waiting longer each time, before anything was relayed'
complete -c tunl -n '__tunl_using connect' -l direct -d 'go through no proxy, whatever else names one'
complete -c tunl -n '__tunl_using connect' -l proxy-auth -x -a 'auto bearer negotiate digest ntlm basic' -d 'how to prove to each proxy who we are: auto, or a list of bearer, negotiate, digest, ntlm, basic'
complete -c tunl -n '__tunl_using connect' -l proxy-header -x -d 'send this header to each proxy; @FILE: those of a file, one a line; repeatable'
complete -c tunl -n '__tunl_using connect' -l half-close -x -a 'now wait never' -d 'when a proxy is told that we send nothing more: now, wait or never (once the target has ended)'
complete -c tunl -n '__tunl_using connect' -l password-file -r -F -d 'the first line is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using connect' -l password-command -x -d 'the first line that this command prints is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using connect' -l no-config -d 'read no configuration; an empty TUNL_CONFIG does the same'
complete -c tunl -n '__tunl_using connect' -l cacert -r -F -d 'trust the authorities in this PEM file instead of those of Node and the system'
complete -c tunl -n '__tunl_using connect' -l cert -r -F -d 'our certificate, a PEM file, or PKCS #12 with its key'
complete -c tunl -n '__tunl_using connect' -l key -r -F -d 'its key, a PEM file; default: the file of --cert'
complete -c tunl -n '__tunl_using connect' -l key-password-file -r -F -d 'the first line is the password of the key; or set TUNL_KEY_PASSWORD'
complete -c tunl -n '__tunl_using connect' -l servername -x -d 'send and verify this name instead of the proxy\'s host'
complete -c tunl -n '__tunl_using connect' -l pin -x -d 'accept this key only: sha256/BASE64URL of the certificate\'s SPKI, or curl\'s sha256//BASE64'
complete -c tunl -n '__tunl_using connect' -l insecure -d 'accept any certificate'
complete -c tunl -n '__tunl_using connect' -l no-system-ca -d 'trust the authorities of Node alone, without the system\'s'
complete -c tunl -n '__tunl_using connect' -l alpn -x -a 'h2 http/1.1' -d 'offer a proxy this protocol only: h2 or http/1.1'
complete -c tunl -n '__tunl_using connect' -s 4 -l ipv4 -d 'use IPv4 only'
complete -c tunl -n '__tunl_using connect' -s 6 -l ipv6 -d 'use IPv6 only'
complete -c tunl -n '__tunl_using connect' -l resolver -x -a 'system dns' -d 'whom to ask for names: system or dns; default: both, as ssh does, and for serve the name servers alone'
complete -c tunl -n '__tunl_using connect' -l dns-timeout -x -d 'limit for resolving a name'
complete -c tunl -n '__tunl_using connect' -l connect-timeout -x -d 'limit for the TCP connection'
complete -c tunl -n '__tunl_using connect' -l tls-timeout -x -d 'limit for each TLS handshake'
complete -c tunl -n '__tunl_using connect' -l handshake-timeout -x -d 'limit for each proxy\'s answer'
complete -c tunl -n '__tunl_using connect' -l idle-timeout -x -d 'end a tunnel that moves nothing for so long'
complete -c tunl -n '__tunl_using connect' -l linger -x -d 'wait so long without progress once one direction has ended'
complete -c tunl -n '__tunl_using connect' -l half-close-wait -x -d 'tell a proxy that may end both directions that ours has ended once nothing has moved for so long'
complete -c tunl -n '__tunl_using connect' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using connect' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using connect' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using connect' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using connect' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -a '(__tunl_specs)'
complete -c tunl -n '__tunl_using forward; and __tunl_after_dashes' -a '(__tunl_command)'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l check -d 'first dial each target once; fail with the cause instead of listening'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l print -d 'only print what would run, as a file for tunl chain -c; secrets are named, not printed'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l export -x -a 'envoy' -d 'only write what would run for another program: envoy, a bootstrap file of Envoy; what it cannot do is refused'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l detach -d 'run in the background: return once everything listens, or with the failure; see tunl ps'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l name -x -d 'the name of it for tunl stop, logs and wait; default: the command, with a number if that is taken'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l port-file -r -F -d 'write the port of each listener to this file, one per line, once all accept; written anew when a reload changes them, removed at the end'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l ready-fd -x -d 'write ADDR:PORT of each listener to this descriptor, one per line, once all accept; then close it'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l on-up -x -d 'run this by sh -c once everything listens; what happened is in TUNL_EVENT, TUNL_LISTEN, TUNL_PORT, …'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l on-down -x -d 'the same once nothing listens any more, for at most 10 s; TUNL_REASON and TUNL_EXIT_STATUS say why'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l grace -x -d 'let open tunnels finish for so long after the first signal; 0: cut them, off: wait'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l watch -d 'show the open tunnels on the whole terminal, always up to date: bytes, rates, age, way; q closes the view'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l watch-files -x -a 'yes no' -d 'read certificates, keys and authorities again when their files change; those of HBONE always, unless no'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l no-cache -d 'neither use nor keep what was learned of proxies: their scheme, their HTTP, their half-close, their mode'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l auth-file -r -F -d 'users and passwords, lines of htpasswd (bcrypt, apr1, SHA) or htdigest'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l user -x -d 'one user, whose password is in TUNL_SERVE_PASSWORD'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l user-password-file -r -F -d 'or is the first line of this file'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l open -d 'let everyone use it, also on an address that is not loopback'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l allow -x -d 'allow these targets and no others: PATTERN[:PORTS]; repeatable'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l deny -x -d 'deny these targets, whatever --allow says; repeatable'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -s x -l proxy -x -a '(__tunl_proxies)' -d 'go through this proxy; repeat it in travel order, the nearest first; a|b tries a, then b; @NAME is one of the configuration'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l retry -x -d 'dial again up to N times, waiting longer each time, before anything was relayed'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l direct -d 'go through no proxy, whatever else names one'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l proxy-auth -x -a 'auto bearer negotiate digest ntlm basic' -d 'how to prove to each proxy who we are: auto, or a list of bearer, negotiate, digest, ntlm, basic'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l proxy-header -x -d 'send this header to each proxy; @FILE: those of a file, one a line; repeatable'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l half-close -x -a 'now wait never' -d 'when a proxy is told that we send nothing more: now, wait or never (once the target has ended)'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l password-file -r -F -d 'the first line is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l password-command -x -d 'the first line that this command prints is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l no-config -d 'read no configuration; an empty TUNL_CONFIG does the same'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l cacert -r -F -d 'trust the authorities in this PEM file instead of those of Node and the system'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l cert -r -F -d 'our certificate, a PEM file, or PKCS #12 with its key'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l key -r -F -d 'its key, a PEM file; default: the file of --cert'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l key-password-file -r -F -d 'the first line is the password of the key; or set TUNL_KEY_PASSWORD'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l servername -x -d 'send and verify this name instead of the proxy\'s host'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l pin -x -d 'accept this key only: sha256/BASE64URL of the certificate\'s SPKI, or curl\'s sha256//BASE64'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l insecure -d 'accept any certificate'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l no-system-ca -d 'trust the authorities of Node alone, without the system\'s'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l alpn -x -a 'h2 http/1.1' -d 'offer a proxy this protocol only: h2 or http/1.1'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -s 4 -l ipv4 -d 'use IPv4 only'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -s 6 -l ipv6 -d 'use IPv6 only'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l resolver -x -a 'system dns' -d 'whom to ask for names: system or dns; default: both, as ssh does, and for serve the name servers alone'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l dns-timeout -x -d 'limit for resolving a name'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l connect-timeout -x -d 'limit for the TCP connection'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l tls-timeout -x -d 'limit for each TLS handshake'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l handshake-timeout -x -d 'limit for each proxy\'s answer'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l idle-timeout -x -d 'end a tunnel that moves nothing for so long'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l linger -x -d 'wait so long without progress once one direction has ended'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l half-close-wait -x -d 'tell a proxy that may end both directions that ours has ended once nothing has moved for so long'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using forward; and not __tunl_after_dashes' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using serve' -l print -d 'only print what would run, as a file for tunl chain -c; secrets are named, not printed'
complete -c tunl -n '__tunl_using serve' -l export -x -a 'envoy' -d 'only write what would run for another program: envoy, a bootstrap file of Envoy; what it cannot do is refused'
complete -c tunl -n '__tunl_using serve' -l detach -d 'run in the background: return once everything listens, or with the failure; see tunl ps'
complete -c tunl -n '__tunl_using serve' -l name -x -d 'the name of it for tunl stop, logs and wait; default: the command, with a number if that is taken'
complete -c tunl -n '__tunl_using serve' -l port-file -r -F -d 'write the port of each listener to this file, one per line, once all accept; written anew when a reload changes them, removed at the end'
complete -c tunl -n '__tunl_using serve' -l ready-fd -x -d 'write ADDR:PORT of each listener to this descriptor, one per line, once all accept; then close it'
complete -c tunl -n '__tunl_using serve' -l on-up -x -d 'run this by sh -c once everything listens; what happened is in TUNL_EVENT, TUNL_LISTEN, TUNL_PORT, …'
complete -c tunl -n '__tunl_using serve' -l on-down -x -d 'the same once nothing listens any more, for at most 10 s; TUNL_REASON and TUNL_EXIT_STATUS say why'
complete -c tunl -n '__tunl_using serve' -l grace -x -d 'let open tunnels finish for so long after the first signal; 0: cut them, off: wait'
complete -c tunl -n '__tunl_using serve' -l watch -d 'show the open tunnels on the whole terminal, always up to date: bytes, rates, age, way; q closes the view'
complete -c tunl -n '__tunl_using serve' -l watch-files -x -a 'yes no' -d 'read certificates, keys and authorities again when their files change; those of HBONE always, unless no'
complete -c tunl -n '__tunl_using serve' -l proxy-protocol -x -a 'v1 v2' -d 'tell each target who its client is, before the first byte, in the PROXY protocol: v1 or v2'
complete -c tunl -n '__tunl_using serve' -l resume -x -d 'keep tunnels whose connection is cut for so long, if the client asks for it (resume=10m)'
complete -c tunl -n '__tunl_using serve' -l admin -x -d 'a page and the paths of Envoy on [BIND:]PORT or unix:PATH; not in --port-file, and no tunnel leads there'
complete -c tunl -n '__tunl_using serve' -l admin-open -d 'let it be on an address that others can reach: they may end tunnels and the program'
complete -c tunl -n '__tunl_using serve' -l hbone -d 'serve HBONE only; default address 127.0.0.1:15008'
complete -c tunl -n '__tunl_using serve' -l hbone-local -d 'with --hbone: allow only the address to which the client connected'
complete -c tunl -n '__tunl_using serve' -l poll -d 'also accept tunnels in many short requests'
complete -c tunl -n '__tunl_using serve' -l post -d 'also accept tunnels in POST requests'
complete -c tunl -n '__tunl_using serve' -l ws -d 'also accept tunnels in WebSockets'
complete -c tunl -n '__tunl_using serve' -l path-prefix -x -d 'the path in front of tunnels that are asked for by a path, as WebSockets are; default: /.well-known/tunl'
complete -c tunl -n '__tunl_using serve' -l no-plain -d 'refuse plain http:// requests, and open tunnels only'
complete -c tunl -n '__tunl_using serve' -l tls -d 'speak TLS with clients; without --cert with a development certificate, whose pin is printed'
complete -c tunl -n '__tunl_using serve' -l cert -r -F -d 'certificate of the server, a PEM file, or PKCS #12 with its key; default: a development certificate'
complete -c tunl -n '__tunl_using serve' -l key -r -F -d 'its key, a PEM file; default: the file of --cert'
complete -c tunl -n '__tunl_using serve' -l key-password-file -r -F -d 'the first line is the password of the key; or set TUNL_KEY_PASSWORD'
complete -c tunl -n '__tunl_using serve' -l client-ca -r -F -d 'authorities: clients need a certificate of one of them, unless client-cert says optional'
complete -c tunl -n '__tunl_using serve' -l spiffe -x -d 'take certificate, key and authorities from the SPIFFE agent there, as it renews them, unix:PATH'
complete -c tunl -n '__tunl_using serve' -l auth-file -r -F -d 'users and passwords, lines of htpasswd (bcrypt, apr1, SHA) or htdigest'
complete -c tunl -n '__tunl_using serve' -l user -x -d 'one user, whose password is in TUNL_SERVE_PASSWORD'
complete -c tunl -n '__tunl_using serve' -l user-password-file -r -F -d 'or is the first line of this file'
complete -c tunl -n '__tunl_using serve' -l open -d 'let everyone use it, also on an address that is not loopback'
complete -c tunl -n '__tunl_using serve' -l allow -x -d 'allow these targets and no others: PATTERN[:PORTS]; repeatable'
complete -c tunl -n '__tunl_using serve' -l deny -x -d 'deny these targets, whatever --allow says; repeatable'
complete -c tunl -n '__tunl_using serve' -s x -l proxy -x -a '(__tunl_proxies)' -d 'go through this proxy; repeat it in travel order, the nearest first; a|b tries a, then b'
complete -c tunl -n '__tunl_using serve' -l retry -x -d 'dial again up to N times, waiting longer each time, before anything was relayed'
complete -c tunl -n '__tunl_using serve' -l direct -d 'go through no proxy, whatever else names one'
complete -c tunl -n '__tunl_using serve' -l proxy-auth -x -a 'auto bearer negotiate digest ntlm basic' -d 'how to prove to each proxy who we are: auto, or a list of bearer, negotiate, digest, ntlm, basic'
complete -c tunl -n '__tunl_using serve' -l proxy-header -x -d 'send this header to each proxy; @FILE: those of a file, one a line; repeatable'
complete -c tunl -n '__tunl_using serve' -l half-close -x -a 'now wait never' -d 'when a proxy is told that we send nothing more: now, wait or never (once the target has ended)'
complete -c tunl -n '__tunl_using serve' -l password-file -r -F -d 'the first line is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using serve' -l password-command -x -d 'the first line that this command prints is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using serve' -l cacert -r -F -d 'trust the authorities in this PEM file instead of those of Node and the system'
complete -c tunl -n '__tunl_using serve' -l servername -x -d 'send and verify this name instead of the proxy\'s host'
complete -c tunl -n '__tunl_using serve' -l pin -x -d 'accept this key only: sha256/BASE64URL of the certificate\'s SPKI, or curl\'s sha256//BASE64'
complete -c tunl -n '__tunl_using serve' -l insecure -d 'accept any certificate'
complete -c tunl -n '__tunl_using serve' -l no-system-ca -d 'trust the authorities of Node alone, without the system\'s'
complete -c tunl -n '__tunl_using serve' -l alpn -x -a 'h2 http/1.1' -d 'offer a proxy this protocol only: h2 or http/1.1'
complete -c tunl -n '__tunl_using serve' -s 4 -l ipv4 -d 'use IPv4 only'
complete -c tunl -n '__tunl_using serve' -s 6 -l ipv6 -d 'use IPv6 only'
complete -c tunl -n '__tunl_using serve' -l resolver -x -a 'system dns' -d 'whom to ask for names: system or dns; default: both, as ssh does, and for serve the name servers alone'
complete -c tunl -n '__tunl_using serve' -l max-tunnels -x -d 'at most N tunnels at a time; more are refused with 503'
complete -c tunl -n '__tunl_using serve' -l max-tunnels-per-client -x -d 'at most N from one address; of IPv6 from one /64'
complete -c tunl -n '__tunl_using serve' -l max-tunnels-per-session -x -d 'at most N in one HTTP/2 connection, which clients are told; 1000 by default'
complete -c tunl -n '__tunl_using serve' -l dns-timeout -x -d 'limit for resolving a name'
complete -c tunl -n '__tunl_using serve' -l connect-timeout -x -d 'limit for the TCP connection'
complete -c tunl -n '__tunl_using serve' -l tls-timeout -x -d 'limit for each TLS handshake'
complete -c tunl -n '__tunl_using serve' -l handshake-timeout -x -d 'limit for each proxy\'s answer'
complete -c tunl -n '__tunl_using serve' -l idle-timeout -x -d 'end a tunnel that moves nothing for so long'
complete -c tunl -n '__tunl_using serve' -l linger -x -d 'wait so long without progress once one direction has ended'
complete -c tunl -n '__tunl_using serve' -l half-close-wait -x -d 'tell a proxy that may end both directions that ours has ended once nothing has moved for so long'
complete -c tunl -n '__tunl_using serve' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using serve' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using serve' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using serve' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using serve' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using chain' -s c -l config -r -F -d 'the stages, a YAML file, or a bootstrap file of Envoy; SIGHUP reads it again'
complete -c tunl -n '__tunl_using chain' -l allow-unknown-fields -d 'leave out fields of an Envoy file that Envoy does not have either; -v names them'
complete -c tunl -n '__tunl_using chain' -l check -d 'only say whether the stages can run: what can listen, which names resolve, which are fused; nothing is dialled'
complete -c tunl -n '__tunl_using chain' -l print -d 'only print what would run, as a file for tunl chain -c; secrets are named, not printed'
complete -c tunl -n '__tunl_using chain' -l export -x -a 'envoy' -d 'only write what would run for another program: envoy, a bootstrap file of Envoy; what it cannot do is refused'
complete -c tunl -n '__tunl_using chain' -l draw -x -a 'text mermaid svg' -d 'only draw the stages: text, as boxes and arrows; mermaid and svg for documents'
complete -c tunl -n '__tunl_using chain' -l detach -d 'run in the background: return once everything listens, or with the failure; see tunl ps'
complete -c tunl -n '__tunl_using chain' -l name -x -d 'the name of it for tunl stop, logs and wait; default: the command, with a number if that is taken'
complete -c tunl -n '__tunl_using chain' -l port-file -r -F -d 'write the port of each listener to this file, one per line, once all accept; written anew when a reload changes them, removed at the end'
complete -c tunl -n '__tunl_using chain' -l ready-fd -x -d 'write ADDR:PORT of each listener to this descriptor, one per line, once all accept; then close it'
complete -c tunl -n '__tunl_using chain' -l on-up -x -d 'run this by sh -c once everything listens; what happened is in TUNL_EVENT, TUNL_LISTEN, TUNL_PORT, …'
complete -c tunl -n '__tunl_using chain' -l on-down -x -d 'the same once nothing listens any more, for at most 10 s; TUNL_REASON and TUNL_EXIT_STATUS say why'
complete -c tunl -n '__tunl_using chain' -l grace -x -d 'let open tunnels finish for so long after the first signal; 0: cut them, off: wait'
complete -c tunl -n '__tunl_using chain' -l watch -d 'show the open tunnels on the whole terminal, always up to date: bytes, rates, age, way; q closes the view'
complete -c tunl -n '__tunl_using chain' -l watch-files -x -a 'yes no' -d 'read certificates, keys and authorities again when their files change; those of HBONE always, unless no'
complete -c tunl -n '__tunl_using chain' -l admin -x -d 'a page and the paths of Envoy on [BIND:]PORT or unix:PATH; not in --port-file, and no tunnel leads there'
complete -c tunl -n '__tunl_using chain' -l admin-open -d 'let it be on an address that others can reach: they may end tunnels and the program'
complete -c tunl -n '__tunl_using chain' -l retry -x -d 'dial again up to N times, waiting longer each time, before anything was relayed'
complete -c tunl -n '__tunl_using chain' -l proxy-auth -x -a 'auto bearer negotiate digest ntlm basic' -d 'how to prove to each proxy who we are: auto, or a list of bearer, negotiate, digest, ntlm, basic'
complete -c tunl -n '__tunl_using chain' -l proxy-header -x -d 'send this header to each proxy; @FILE: those of a file, one a line; repeatable'
complete -c tunl -n '__tunl_using chain' -l half-close -x -a 'now wait never' -d 'when a proxy is told that we send nothing more: now, wait or never (once the target has ended)'
complete -c tunl -n '__tunl_using chain' -l password-file -r -F -d 'the first line is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using chain' -l password-command -x -d 'the first line that this command prints is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using chain' -l cacert -r -F -d 'trust the authorities in this PEM file instead of those of Node and the system'
complete -c tunl -n '__tunl_using chain' -l cert -r -F -d 'our certificate, a PEM file, or PKCS #12 with its key'
complete -c tunl -n '__tunl_using chain' -l key -r -F -d 'its key, a PEM file; default: the file of --cert'
complete -c tunl -n '__tunl_using chain' -l key-password-file -r -F -d 'the first line is the password of the key; or set TUNL_KEY_PASSWORD'
complete -c tunl -n '__tunl_using chain' -l servername -x -d 'send and verify this name instead of the proxy\'s host'
complete -c tunl -n '__tunl_using chain' -l pin -x -d 'accept this key only: sha256/BASE64URL of the certificate\'s SPKI, or curl\'s sha256//BASE64'
complete -c tunl -n '__tunl_using chain' -l insecure -d 'accept any certificate'
complete -c tunl -n '__tunl_using chain' -l no-system-ca -d 'trust the authorities of Node alone, without the system\'s'
complete -c tunl -n '__tunl_using chain' -l alpn -x -a 'h2 http/1.1' -d 'offer a proxy this protocol only: h2 or http/1.1'
complete -c tunl -n '__tunl_using chain' -s 4 -l ipv4 -d 'use IPv4 only'
complete -c tunl -n '__tunl_using chain' -s 6 -l ipv6 -d 'use IPv6 only'
complete -c tunl -n '__tunl_using chain' -l resolver -x -a 'system dns' -d 'whom to ask for names: system or dns; default: both, as ssh does, and for serve the name servers alone'
complete -c tunl -n '__tunl_using chain' -l dns-timeout -x -d 'limit for resolving a name'
complete -c tunl -n '__tunl_using chain' -l connect-timeout -x -d 'limit for the TCP connection'
complete -c tunl -n '__tunl_using chain' -l tls-timeout -x -d 'limit for each TLS handshake'
complete -c tunl -n '__tunl_using chain' -l handshake-timeout -x -d 'limit for each proxy\'s answer'
complete -c tunl -n '__tunl_using chain' -l idle-timeout -x -d 'end a tunnel that moves nothing for so long'
complete -c tunl -n '__tunl_using chain' -l linger -x -d 'wait so long without progress once one direction has ended'
complete -c tunl -n '__tunl_using chain' -l half-close-wait -x -d 'tell a proxy that may end both directions that ours has ended once nothing has moved for so long'
complete -c tunl -n '__tunl_using chain' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using chain' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using chain' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using chain' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using chain' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using check' -a '(__fish_print_hostnames | string replace -r \'$\' \':\')'
complete -c tunl -n '__tunl_using check' -l deep -d 'also send data through the tunnel, for a target that echoes: half-close, buffering'
complete -c tunl -n '__tunl_using check' -l idle -x -d 'also watch a silent tunnel for so long, and say when it is cut'
complete -c tunl -n '__tunl_using check' -l probe -x -a '(__fish_print_hostnames | string replace -r \'$\' \':\')' -d 'also ask for a tunnel to this host (port 443), to tell rules for hosts from others; repeatable'
complete -c tunl -n '__tunl_using check' -l no-cache -d 'neither use nor keep what was learned of proxies: their scheme, their HTTP, their half-close, their mode'
complete -c tunl -n '__tunl_using check' -s x -l proxy -x -a '(__tunl_proxies)' -d 'go through this proxy; repeat it in travel order, the nearest first; a|b tries a, then b; @NAME is one of the configuration'
complete -c tunl -n '__tunl_using check' -l retry -x -d 'dial again up to N times, waiting longer each time, before anything was relayed'
complete -c tunl -n '__tunl_using check' -l direct -d 'go through no proxy, whatever else names one'
complete -c tunl -n '__tunl_using check' -l proxy-auth -x -a 'auto bearer negotiate digest ntlm basic' -d 'how to prove to each proxy who we are: auto, or a list of bearer, negotiate, digest, ntlm, basic'
complete -c tunl -n '__tunl_using check' -l proxy-header -x -d 'send this header to each proxy; @FILE: those of a file, one a line; repeatable'
complete -c tunl -n '__tunl_using check' -l half-close -x -a 'now wait never' -d 'when a proxy is told that we send nothing more: now, wait or never (once the target has ended)'
complete -c tunl -n '__tunl_using check' -l password-file -r -F -d 'the first line is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using check' -l password-command -x -d 'the first line that this command prints is the password of a user that a proxy has none for'
complete -c tunl -n '__tunl_using check' -l no-config -d 'read no configuration; an empty TUNL_CONFIG does the same'
complete -c tunl -n '__tunl_using check' -l cacert -r -F -d 'trust the authorities in this PEM file instead of those of Node and the system'
complete -c tunl -n '__tunl_using check' -l cert -r -F -d 'our certificate, a PEM file, or PKCS #12 with its key'
complete -c tunl -n '__tunl_using check' -l key -r -F -d 'its key, a PEM file; default: the file of --cert'
complete -c tunl -n '__tunl_using check' -l key-password-file -r -F -d 'the first line is the password of the key; or set TUNL_KEY_PASSWORD'
complete -c tunl -n '__tunl_using check' -l servername -x -d 'send and verify this name instead of the proxy\'s host'
complete -c tunl -n '__tunl_using check' -l pin -x -d 'accept this key only: sha256/BASE64URL of the certificate\'s SPKI, or curl\'s sha256//BASE64'
complete -c tunl -n '__tunl_using check' -l insecure -d 'accept any certificate'
complete -c tunl -n '__tunl_using check' -l no-system-ca -d 'trust the authorities of Node alone, without the system\'s'
complete -c tunl -n '__tunl_using check' -l alpn -x -a 'h2 http/1.1' -d 'offer a proxy this protocol only: h2 or http/1.1'
complete -c tunl -n '__tunl_using check' -s 4 -l ipv4 -d 'use IPv4 only'
complete -c tunl -n '__tunl_using check' -s 6 -l ipv6 -d 'use IPv6 only'
complete -c tunl -n '__tunl_using check' -l resolver -x -a 'system dns' -d 'whom to ask for names: system or dns; default: both, as ssh does, and for serve the name servers alone'
complete -c tunl -n '__tunl_using check' -l dns-timeout -x -d 'limit for resolving a name'
complete -c tunl -n '__tunl_using check' -l connect-timeout -x -d 'limit for the TCP connection'
complete -c tunl -n '__tunl_using check' -l tls-timeout -x -d 'limit for each TLS handshake'
complete -c tunl -n '__tunl_using check' -l handshake-timeout -x -d 'limit for each proxy\'s answer'
complete -c tunl -n '__tunl_using check' -l idle-timeout -x -d 'end a tunnel that moves nothing for so long'
complete -c tunl -n '__tunl_using check' -l linger -x -d 'wait so long without progress once one direction has ended'
complete -c tunl -n '__tunl_using check' -l half-close-wait -x -d 'tell a proxy that may end both directions that ours has ended once nothing has moved for so long'
complete -c tunl -n '__tunl_using check' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using check' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using check' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using check' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using check' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using pac' -a '(__fish_complete_path)'
complete -c tunl -n '__tunl_using pac' -l cacert -r -F -d 'trust the authorities in this PEM file instead of those of Node and the system'
complete -c tunl -n '__tunl_using pac' -l servername -x -d 'send and verify this name instead of the proxy\'s host'
complete -c tunl -n '__tunl_using pac' -l pin -x -d 'accept this key only: sha256/BASE64URL of the certificate\'s SPKI, or curl\'s sha256//BASE64'
complete -c tunl -n '__tunl_using pac' -l insecure -d 'accept any certificate'
complete -c tunl -n '__tunl_using pac' -l no-system-ca -d 'trust the authorities of Node alone, without the system\'s'
complete -c tunl -n '__tunl_using pac' -s 4 -l ipv4 -d 'use IPv4 only'
complete -c tunl -n '__tunl_using pac' -s 6 -l ipv6 -d 'use IPv6 only'
complete -c tunl -n '__tunl_using pac' -l resolver -x -a 'system dns' -d 'whom to ask for names: system or dns; default: both, as ssh does, and for serve the name servers alone'
complete -c tunl -n '__tunl_using pac' -l dns-timeout -x -d 'limit for resolving a name'
complete -c tunl -n '__tunl_using pac' -l connect-timeout -x -d 'limit for the TCP connection'
complete -c tunl -n '__tunl_using pac' -l tls-timeout -x -d 'limit for each TLS handshake'
complete -c tunl -n '__tunl_using pac' -l handshake-timeout -x -d 'limit for each proxy\'s answer'
complete -c tunl -n '__tunl_using pac' -l idle-timeout -x -d 'end a tunnel that moves nothing for so long'
complete -c tunl -n '__tunl_using pac' -l linger -x -d 'wait so long without progress once one direction has ended'
complete -c tunl -n '__tunl_using pac' -l half-close-wait -x -d 'tell a proxy that may end both directions that ours has ended once nothing has moved for so long'
complete -c tunl -n '__tunl_using pac' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using pac' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using pac' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using pac' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using pac' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using config' -l check -d 'only say whether the file is right; no command for a password is run'
complete -c tunl -n '__tunl_using config' -l explain -x -a '(__fish_print_hostnames | string replace -r \'$\' \':\')' -d 'say which way a target is reached, and what decides that; nothing is dialled'
complete -c tunl -n '__tunl_using config' -l names -x -a 'proxies forwards' -d 'list the names of proxies or forwards, one on a line, for completions'
complete -c tunl -n '__tunl_using config' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using config' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using config' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using config' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using config' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using ps' -l names -d 'list only the names, one on a line'
complete -c tunl -n '__tunl_using ps' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using ps' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using ps' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using ps' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using ps' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using stop' -a '(tunl ps --names 2>/dev/null)'
complete -c tunl -n '__tunl_using stop' -l all -d 'stop everything that runs in the background'
complete -c tunl -n '__tunl_using stop' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using stop' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using stop' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using stop' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using stop' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using logs' -a '(tunl ps --names 2>/dev/null)'
complete -c tunl -n '__tunl_using logs' -s f -l follow -d 'go on with what is added, until it ends'
complete -c tunl -n '__tunl_using logs' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using logs' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using logs' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using logs' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using logs' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using wait' -a '(tunl ps --names 2>/dev/null) (__fish_print_hostnames | string replace -r \'$\' \':\')'
complete -c tunl -n '__tunl_using wait' -l timeout -x -d 'how long to wait; off waits for ever'
complete -c tunl -n '__tunl_using wait' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using wait' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using wait' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using wait' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using wait' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using passwd' -a '(__fish_complete_path)'
complete -c tunl -n '__tunl_using passwd' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using passwd' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using passwd' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using passwd' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using passwd' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using completion' -a 'bash zsh fish'
complete -c tunl -n '__tunl_using completion' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using completion' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using completion' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using completion' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using completion' -l help-all -d 'print this with all options'

complete -c tunl -n '__tunl_using help' -a 'connect forward serve chain check pac config ps stop logs wait passwd completion help exit-codes licenses'
complete -c tunl -n '__tunl_using help' -l man -d 'print the manual page, for man -l - or a file'
complete -c tunl -n '__tunl_using help' -s q -l quiet -d 'say nothing but errors'
complete -c tunl -n '__tunl_using help' -s v -l verbose -d 'say each step; -vv also the details'
complete -c tunl -n '__tunl_using help' -l json -d 'write one JSON object per line to stderr instead of messages'
complete -c tunl -n '__tunl_using help' -s h -l help -d 'print this'
complete -c tunl -n '__tunl_using help' -l help-all -d 'print this with all options'
