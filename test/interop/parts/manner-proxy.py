"""A proxy that opens tunnels for one user, and asks for credentials in the manner that its argument, a JSON object, says.

NTLM and Negotiate are verified by pyspnego, and Kerberos with a channel binding by the system's library; neither shares
code with tunl. Digest is computed here. It prints its port, and then a line with the scheme for each request.

  user, password, domain   of the user; the users of NTLM are in the file that NTLM_USER_FILE names
  schemes                  in their order: basic, digest, ntlm, negotiate; others are offered and never accepted
  algorithms, qop          of Digest; without qop the answer is that of RFC 2069
  userhash, uses           of Digest: the name comes hashed; a nonce is stale after so many uses
  body                     the bytes of a 407, in one chunk
  oneField                 all challenges stand in one field
  close                    "first": the connection ends after a 407 that answered no token, with a word; "all": after each
                           407, with a word; "silent": after each without one
  early                    the first message of NTLM opens a tunnel
  tls                      [certificate, key], and NTLM and Negotiate must be bound to the certificate
"""
import base64
import hashlib
import json
import secrets
import socket
import ssl
import sys
import threading

MANNER = {"algorithms": ["MD5"], "qop": "auth", "domain": "CORP", "body": 0, **json.loads(sys.argv[1])}
REALM = "corp"
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
nonces = {}  # of Digest: the uses of each, and their counts
lock = threading.Lock()


class Refused(Exception):
    """The credentials are not right, or there are none."""


class Asked(Exception):
    """Another message is needed: the challenge."""


def params_of(text):
    """The parameters of credentials; a quoted string has no comma that we need to keep but in quotes."""
    found, at = {}, 0
    while at < len(text):
        name, _, rest = text[at:].lstrip(", ").partition("=")
        at = len(text) - len(rest)
        if rest.startswith('"'):
            value, at = "", at + 1
            while text[at] != '"':
                at += text[at] == "\\"
                value, at = value + text[at], at + 1
            at += 1
        else:
            value = rest.partition(",")[0]
            at += len(value)
        found[name.strip().lower()] = value.strip()
    return found


def offer_digest(is_stale):
    for algorithm in MANNER["algorithms"]:
        nonce = secrets.token_urlsafe(18)
        with lock:
            nonces[nonce] = []
        yield ", ".join(
            [f'Digest realm="{REALM}"', f'nonce="{nonce}"', 'opaque="a,\\"b\\""', f"algorithm={algorithm}"]
            + [f'qop="{MANNER["qop"]}"'] * bool(MANNER["qop"])
            + ["userhash=true"] * bool(MANNER.get("userhash"))
            + ["stale=true"] * is_stale
        )


def check_digest(rest, method, target, connection):
    given = params_of(rest)
    name = given.get("algorithm", "MD5")
    make = HASHES[name.removesuffix("-sess")]

    def digest(*parts):
        return make(":".join(parts).encode()).hexdigest()

    user = MANNER["user"]
    named = digest(user, REALM) if MANNER.get("userhash") else user
    expected = {"realm": REALM, "opaque": 'a,"b"', "uri": target, "username": named, "qop": MANNER["qop"] or None}
    if name not in MANNER["algorithms"] or any(given.get(key) != value for key, value in expected.items()):
        raise Refused()
    key = digest(user, REALM, MANNER["password"])
    if name.endswith("-sess"):
        key = digest(key, given["nonce"], given["cnonce"])
    middle = [given["nc"], given["cnonce"], given["qop"]] if MANNER["qop"] else []
    if digest(key, given["nonce"], *middle, digest(method, target)) != given["response"]:
        raise Refused()
    with lock:
        uses = nonces.get(given["nonce"])
        if uses is None or len(uses) >= MANNER.get("uses", sys.maxsize):
            connection.is_stale = True
            raise Refused()
        # Many tunnels at once arrive in any order, but no count comes twice.
        count = int(given["nc"], 16) if MANNER["qop"] else None
        if count is not None and count in uses:
            raise Refused()
        uses.append(count)


def has_binding(token):
    """Whether an NTLM message has a channel binding that is not sixteen zeros, which stand for none."""
    length, start = int.from_bytes(token[20:22], "little"), int.from_bytes(token[24:28], "little")
    pairs = token[start + 44 : start + length]
    while len(pairs) >= 4:
        kind, size = int.from_bytes(pairs[:2], "little"), int.from_bytes(pairs[2:4], "little")
        if kind in (0, 10):
            return kind == 10 and any(pairs[4 : 4 + size])
        pairs = pairs[4 + size :]
    return False


class BoundKerberos:
    """The system's library accepts a token without a binding, and tells by a flag."""

    def __init__(self, binding):
        import gssapi
        from gssapi.raw import ChannelBindings

        self.context = gssapi.SecurityContext(usage="accept", channel_bindings=ChannelBindings(application_data=binding))

    @property
    def complete(self):
        return self.context.complete

    def step(self, token):
        answer = self.context.step(token)
        if self.context.complete and not int(self.context.actual_flags) & 2048:
            raise Refused()
        return answer


class Connection:
    def __init__(self, stream, binding):
        self.stream, self.binding = stream, binding
        self.received = b""
        self.context = None
        self.is_stale = False
        self.proof = []

    def read_head(self):
        while b"\r\n\r\n" not in self.received:
            more = self.stream.recv(65536)
            if not more:
                return None
            self.received += more
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        return head.decode("latin-1").split("\r\n")

    def check_token(self, scheme, rest):
        import spnego
        from spnego.channel_bindings import GssChannelBindings

        token = base64.b64decode(rest)
        if MANNER.get("early"):
            return
        if self.context is None and self.binding and scheme == "negotiate":
            self.context = BoundKerberos(self.binding)
        elif self.context is None:
            bindings = GssChannelBindings(application_data=self.binding) if self.binding else None
            self.context = spnego.server(service="HTTP", hostname="localhost", protocol=scheme, channel_bindings=bindings)
        if self.binding and token[:12] == b"NTLMSSP\0\3\0\0\0" and not has_binding(token):
            raise Refused()
        answer = self.context.step(token)
        word = f"{scheme} {base64.b64encode(answer or b'').decode()}"
        if not self.context.complete:
            raise Asked(word)
        self.proof = [f"Proxy-Authenticate: {word}"] if answer else []

    def check(self, method, target, credentials):
        scheme, _, rest = credentials.partition(" ")
        scheme = scheme.lower()
        if scheme not in MANNER["schemes"]:
            raise Refused()
        if scheme == "basic":
            if base64.b64decode(rest).decode() != f"{MANNER['user']}:{MANNER['password']}":
                raise Refused()
        elif scheme == "digest":
            check_digest(rest, method, target, self)
        elif scheme in ("ntlm", "negotiate"):
            self.check_token(scheme, rest)
        else:
            raise Refused()

    def ask(self, challenges, has_token):
        close = MANNER.get("close")
        ends = close in ("all", "silent") or (close == "first" and not has_token)
        fields = [", ".join(challenges)] if MANNER.get("oneField") else challenges
        lines = ["HTTP/1.1 407 Proxy Authentication Required"] + [f"Proxy-Authenticate: {value}" for value in fields]
        lines += ["Connection: close"] * (ends and close != "silent") + ["Transfer-Encoding: chunked"]
        size = MANNER["body"]
        body = f"{size:x}\r\n{'x' * size}\r\n0\r\n\r\n" if size else "0\r\n\r\n"
        self.stream.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return not ends

    def challenges(self):
        for scheme in MANNER["schemes"]:
            if scheme == "digest":
                yield from offer_digest(self.is_stale)
            elif scheme == "basic":
                yield f'Basic realm="{REALM}"'
            else:
                yield {"ntlm": "NTLM", "negotiate": "Negotiate"}.get(scheme, scheme)

    def serve(self):
        while head := self.read_head():
            method, target, _ = head[0].split(" ")
            fields = [line.partition(":") for line in head[1:]]
            given = [value.strip() for name, _, value in fields if name.lower() == "proxy-authorization"]
            print((given or ["none"])[0].split(" ")[0], flush=True)
            try:
                if not given:
                    self.context = None
                    raise Refused()
                self.check(method, target, given[0])
            except Asked as next_message:
                if not self.ask([str(next_message)], True):
                    return
                continue
            except Exception as error:  # Whatever a library says of a wrong token.
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                self.context = None
                if not self.ask(list(self.challenges()), bool(given)):
                    return
                continue
            return self.open(target)

    def open(self, target):
        host, _, port = target.rpartition(":")
        upstream = socket.create_connection((host, int(port)))
        self.stream.sendall("\r\n".join(["HTTP/1.1 200 OK", *self.proof, "", ""]).encode())
        if self.received:
            upstream.sendall(self.received)
        back = threading.Thread(target=copy, args=(upstream, self.stream), daemon=True)
        back.start()
        copy(self.stream, upstream)
        back.join()
        upstream.close()


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def run(stream, context, certificate):
    binding = None
    try:
        if context:
            stream = context.wrap_socket(stream, server_side=True)
            binding = b"tls-server-end-point:" + hashlib.sha256(certificate).digest()
        Connection(stream, binding).serve()
    except OSError:
        pass
    finally:
        stream.close()


def main():
    context = certificate = None
    if MANNER.get("tls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*MANNER["tls"])
        certificate = ssl.PEM_cert_to_DER_cert(open(MANNER["tls"][0]).read())
    listener = socket.create_server(("127.0.0.1", MANNER["port"]), backlog=256)
    while True:
        stream, _ = listener.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=run, args=(stream, context, certificate), daemon=True).start()


main()
