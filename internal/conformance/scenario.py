#!/usr/bin/env python3
"""Plays scenarios against a driver (PROTOCOL.md) and prints or compares what came of it.

  scenario.py play SCENARIO.json -- DRIVER [ARG ...]      prints the observation as JSON
  scenario.py check [--wire] SCENARIO.json|DIR ... -- DRIVER [ARG ...]
      plays each scenario against the reference driver and against DRIVER and prints
      where the two differ; exit status 1 if any do; with --wire only what reached the
      server is compared
  scenario.py record [SCENARIO.json|DIR ...]
      plays each scenario against the reference driver and writes what came of it to
      recorded/, one file for each scenario file; without arguments, all that are here

A scenario is a JSON object (SCENARIOS.md). The server that it scripts listens on loopback,
speaks HTTP/1.1 in the clear and under TLS, and also answers as a forward proxy (absolute
targets, and CONNECT, which it ends itself). It writes down every request as it came in.
"""
import base64
import datetime
import json
import os
import platform
import queue
import shlex
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = [sys.executable, os.path.join(HERE, "reference_driver.py")]
FOLDERS = [os.path.join(HERE, "scenarios"), os.path.join(HERE, "scenarios-more")]
RECORDED = os.path.join(HERE, "recorded")
HOSTS = ["a.test", "b.test", "c.test", "localhost"]
STEP_TIMEOUT_S = 20
# What each HTTP stack says of itself; compared only where the scenario names it.
OWN_HEADERS = {"user-agent", "accept-encoding", "connection", "te", "accept"}
# How a driver shows a body that can be read only once.
STREAM = base64.b64encode(b"<stream>").decode()


# ---------------------------------------------------------------- certificates
def make_certificates(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    import ipaddress
    now = datetime.datetime.now(datetime.timezone.utc)

    def name(cn):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])

    def write(path, *blobs):
        with open(path, "wb") as f:
            for b in blobs:
                f.write(b)

    def pem_key(key):
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption())

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = (x509.CertificateBuilder().subject_name(name("scenario CA")).issuer_name(name("scenario CA"))
          .public_key(ca_key.public_key()).serial_number(x509.random_serial_number())
          .not_valid_before(now - datetime.timedelta(days=2)).not_valid_after(now + datetime.timedelta(days=30))
          .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
          .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
          .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
          .sign(ca_key, hashes.SHA256()))
    pem_ca = ca.public_bytes(serialization.Encoding.PEM)
    write(os.path.join(folder, "ca.pem"), pem_ca)

    def leaf(file, cn, sans, ips=(), days=(-1, 20), client=False):
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH if client else x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
        cert = (x509.CertificateBuilder().subject_name(name(cn)).issuer_name(ca.subject)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now + datetime.timedelta(days=days[0]))
                .not_valid_after(now + datetime.timedelta(days=days[1]))
                .add_extension(x509.SubjectAlternativeName(
                    [x509.DNSName(s) for s in sans] + [x509.IPAddress(ipaddress.ip_address(i)) for i in ips]), critical=False)
                .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
                .sign(ca_key, hashes.SHA256()))
        pem = cert.public_bytes(serialization.Encoding.PEM)
        write(os.path.join(folder, file + ".pem"), pem)
        write(os.path.join(folder, file + ".key"), pem_key(key))
        write(os.path.join(folder, file + "-both.pem"), pem, pem_key(key))

    sans = HOSTS + ["*." + h for h in HOSTS if "." in h] + ["*.x.a.test"]
    leaf("server", "server", sans, ips=["127.0.0.1", "127.0.0.2", "::1"])
    leaf("expired", "server", sans, days=(-2, -1))
    leaf("client", "client", ["client"], client=True)


# ---------------------------------------------------------------- the scripted server
class Closed(Exception):
    pass


class Reader:
    def __init__(self, sock):
        self.sock, self.buf = sock, b""

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed
        self.buf += data

    def line(self):
        while b"\n" not in self.buf:
            self.fill()
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin1")

    def exactly(self, n):
        while len(self.buf) < n:
            self.fill()
        out, self.buf = self.buf[:n], self.buf[n:]
        return out


class Server:
    def __init__(self, scenario, certs):
        self.routes = [dict(r, left=r.get("times", -1)) for r in scenario.get("server", [])]
        self.log, self.lock, self.stopping = [], threading.Lock(), False
        self.conns, self.origin_key = 0, {}
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        which = scenario.get("certificate", "server")
        self.tls.load_cert_chain(os.path.join(certs, which + ".pem"), os.path.join(certs, which + ".key"))
        self.tls.load_verify_locations(os.path.join(certs, "ca.pem"))
        self.tls.verify_mode = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL,
                                "required": ssl.CERT_REQUIRED}[scenario.get("client_certificate", "none")]
        self.tls.set_alpn_protocols(["http/1.1"])
        self.plain_port = self.listen(False)
        self.tls_port = self.listen(True)

    def listen(self, tls):
        ls = socket.create_server(("127.0.0.1", 0), backlog=64)
        ls.settimeout(0.2)

        def loop():
            while not self.stopping:
                try:
                    sock, _ = ls.accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                threading.Thread(target=self.serve, args=(sock, tls), daemon=True).start()
            ls.close()

        threading.Thread(target=loop, daemon=True).start()
        return ls.getsockname()[1]

    def stop(self):
        self.stopping = True

    def serve(self, sock, tls):
        with self.lock:
            self.conns += 1
            conn = self.conns
        state = {"conn": conn, "scheme": "https" if tls else "http", "via": None, "client_cn": None}
        try:
            sock.settimeout(STEP_TIMEOUT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                sock = self.handshake(sock, state)
            reader = Reader(sock)
            while True:
                again = self.one(sock, reader, state)
                if again == "tunnel":
                    state["scheme"] = "https"
                    sock = self.handshake(sock, state)
                    reader = Reader(sock)
                elif not again:
                    break
        except (Closed, OSError, ValueError):
            pass
        finally:
            try:
                sock.close()
            except OSError:
                pass

    def handshake(self, sock, state):
        sock = self.tls.wrap_socket(sock, server_side=True)
        peer = sock.getpeercert()
        if peer:
            state["client_cn"] = dict(x[0] for x in peer["subject"]).get("commonName")
        return sock

    def one(self, sock, reader, state):
        line = reader.line()
        while line == "":
            line = reader.line()
        method, target, _ = line.split(" ", 2)
        headers = []
        while True:
            h = reader.line()
            if h == "":
                break
            k, _, v = h.partition(":")
            headers.append([k.lower(), v.strip()])
        get = dict(headers).get
        if (get("expect") or "").lower() == "100-continue":
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body, framing = b"", "none"
        if "chunked" in (get("transfer-encoding") or "").lower():
            framing = "chunked"
            while True:
                size = int(reader.line().split(";")[0], 16)
                if size == 0:
                    while reader.line() != "":
                        pass
                    break
                body += reader.exactly(size)
                reader.line()
        elif get("content-length") is not None:
            framing = "length"
            body = reader.exactly(int(get("content-length")))
        host = get("host") or ""
        # a default port may stand in Host or not
        default = ":443" if state["scheme"] == "https" else ":80"
        if method != "CONNECT" and host.endswith(default):
            host = host[:-len(default)]
            headers = [[k, host if k == "host" else v] for k, v in headers]
        seen = {"scheme": state["scheme"], "method": method, "target": target, "host": host,
                "headers": headers, "framing": framing, "body_b64": base64.b64encode(body).decode(),
                "via": state["via"], "client_cn": state["client_cn"], "conn": state["conn"]}
        with self.lock:
            self.log.append(seen)
        if method == "CONNECT":
            route = self.match("CONNECT", target, target)
            if route and route.get("status", 200) != 200:
                return self.answer(sock, route, seen)
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            state["via"] = "tunnel " + target
            return "tunnel"
        path = target
        if "://" in target:
            seen["via"] = "proxy"
            rest = target.split("://", 1)[1]
            path = "/" + rest.split("/", 1)[1] if "/" in rest else "/"
        route = self.match(method, host, path.split("?", 1)[0])
        if route is None:
            route = {"status": 404, "body": "no route"}
        return self.answer(sock, route, seen)

    def match(self, method, host, path):
        with self.lock:
            for r in self.routes:
                if r["left"] == 0:
                    continue
                if r.get("method") not in (None, method):
                    continue
                if r.get("host") not in (None, host, host.rsplit(":", 1)[0]):
                    continue
                if r.get("path") not in (None, path):
                    continue
                want = r.get("if_header")
                if want and not any(k == want[0].lower() and (len(want) < 2 or v.startswith(want[1]))
                                    for k, v in self.log[-1]["headers"]):
                    continue
                r["left"] -= 1 if r["left"] > 0 else 0
                return r
        return None

    def answer(self, sock, route, seen):
        if route.get("delay_ms"):
            time.sleep(route["delay_ms"] / 1000)
        if route.get("fault") == "close":
            return False
        if route.get("fault") == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        if "raw_b64" in route:
            sock.sendall(base64.b64decode(route["raw_b64"]))
            return False
        status = route.get("status", 200)
        headers = [list(h) for h in route.get("headers", [])]
        if route.get("echo"):
            body = f"{seen['method']} {seen['host']} {seen['target']}".encode("latin1", "replace")
            headers.append(["Content-Type", "text/plain; charset=utf-8"])
        elif "body_b64" in route:
            body = base64.b64decode(route["body_b64"])
        else:
            body = route.get("body", "").encode()
        head_only = seen["method"] == "HEAD" or status in (204, 304) or status < 200
        names = {k.lower() for k, _ in headers}
        reason = route.get("reason", {200: "OK", 301: "Moved Permanently", 302: "Found", 303: "See Other",
                                      307: "Temporary Redirect", 308: "Permanent Redirect", 401: "Unauthorized",
                                      404: "Not Found", 500: "Internal Server Error",
                                      503: "Service Unavailable"}.get(status, "Status"))
        chunks = None
        if route.get("chunked"):
            headers.append(["Transfer-Encoding", "chunked"])
            n = route["chunked"] if isinstance(route["chunked"], int) and route["chunked"] > 1 else 16
            chunks = [body[i:i + n] for i in range(0, len(body), n)]
        elif "content-length" not in names and not route.get("until_close"):
            headers.append(["Content-Length", str(len(body))])
        if route.get("until_close"):
            headers.append(["Connection", "close"])
        head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers) + "\r\n"
        sock.sendall(head.encode(route.get("header_encoding", "latin1")))
        if head_only:
            return True
        if route.get("body_delay_ms"):
            time.sleep(route["body_delay_ms"] / 1000)
        if chunks is None:
            cut = route.get("truncate")
            sock.sendall(body if cut is None else body[:cut])
            return cut is None and not route.get("until_close") and not route.get("close")
        for i, c in enumerate(chunks):
            if route.get("truncate") is not None and i >= route["truncate"]:
                return False
            sock.sendall(b"%x\r\n%s\r\n" % (len(c), c))
        sock.sendall(b"0\r\n\r\n")
        return not route.get("close")


# ---------------------------------------------------------------- playing
class DriverProcess:
    def __init__(self, command):
        env = {k: v for k, v in os.environ.items()
               if k.lower() not in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") and k not in ("NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                                                                 "SSL_CERT_FILE", "SSL_CERT_DIR")}
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)
        self.answers = queue.Queue()

        def pump():
            for line in self.p.stdout:
                self.answers.put(line)
            self.answers.put(None)

        threading.Thread(target=pump, daemon=True).start()

    def ask(self, m):
        try:
            self.p.stdin.write(json.dumps(m) + "\n")
            self.p.stdin.flush()
        except OSError:
            return {"error": {"kind": "DriverDied", "message": ""}}
        try:
            line = self.answers.get(timeout=STEP_TIMEOUT_S)
        except queue.Empty:
            self.p.kill()
            return {"error": {"kind": "DriverHung", "message": ""}}
        if line is None:
            return {"error": {"kind": "DriverDied", "message": ""}}
        try:
            answer = json.loads(line)
            answer.pop("id", None)
            return answer
        except (ValueError, AttributeError):
            return {"error": {"kind": "DriverGarbled", "message": line[:200]}}

    def close(self):
        try:
            self.p.stdin.close()
            self.p.wait(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            self.p.kill()


class Keeper:
    """One driver process for many scenarios; a new one where the last has died."""

    def __init__(self, command):
        self.command, self.kept = command, None

    def process(self):
        if self.kept is None or self.kept.p.poll() is not None:
            self.kept = DriverProcess(self.command)
        return self.kept


def substitute(value, names):
    if isinstance(value, str):
        for k, v in names.items():
            value = value.replace("{" + k + "}", v)
        return value
    if isinstance(value, list):
        return [substitute(v, names) for v in value]
    if isinstance(value, dict):
        return {k: substitute(v, names) for k, v in value.items()}
    return value


_certs = None


def certificates():
    global _certs
    if _certs is None:
        _certs = tempfile.mkdtemp(prefix="scenario-certs-")
        make_certificates(_certs)
    return _certs


def play(scenario, command, process=None):
    certs = certificates()
    server = Server(scenario, certs)
    home = tempfile.mkdtemp(prefix="scenario-home-")
    names = {"CA": os.path.join(certs, "ca.pem"), "CLIENT_CERT": os.path.join(certs, "client.pem"),
             "CLIENT_KEY": os.path.join(certs, "client.key"), "CLIENT_BOTH": os.path.join(certs, "client-both.pem"),
             "HOME": home, "PLAIN_PORT": str(server.plain_port), "TLS_PORT": str(server.tls_port)}
    if scenario.get("netrc") is not None:
        path = os.path.join(home, ".netrc")
        with open(path, "w") as f:
            f.write(scenario["netrc"])
        os.chmod(path, 0o600)
    ports = {"80": "plain", "443": "tls", "8080": "plain", "8443": "tls", "3128": "plain"}
    ports.update(scenario.get("ports", {}))
    dial = {f"*:{p}": f"127.0.0.1:{server.plain_port if k == 'plain' else server.tls_port}"
            for p, k in ports.items() if k != "refused"}
    env = {"HOME": home, "NETRC": None, "http_proxy": None, "https_proxy": None, "all_proxy": None,
           "no_proxy": None, "HTTP_PROXY": None, "HTTPS_PROXY": None, "ALL_PROXY": None, "NO_PROXY": None,
           "REQUESTS_CA_BUNDLE": names["CA"], "CURL_CA_BUNDLE": None}
    env.update(substitute(scenario.get("env", {}), names))
    driver = process or DriverProcess(command)
    try:
        steps = []
        driver.ask({"id": 0, "op": "hello"})
        driver.ask({"id": 0, "op": "env.set", "vars": env})
        driver.ask({"id": 0, "op": "dial.map", "map": dial})
        saved = {}
        for i, step in enumerate(scenario["steps"], 1):
            step = dict(substitute(step, names))
            if step["op"] == "sleep":
                time.sleep(step["ms"] / 1000)
                steps.append({"ok": {}})
                continue
            if step.get("state_b64", "").startswith("$"):
                step["state_b64"] = saved.get(step["state_b64"][1:], "")
            keep = step.pop("keep", None)
            answer = driver.ask(dict(step, id=i))
            if keep and "ok" in answer:
                saved[keep] = answer["ok"].pop("state_b64", "")
            steps.append(answer)
        with server.lock:
            log = [dict(r) for r in server.log]
    finally:
        if process is None:
            driver.close()
        server.stop()
    text = json.dumps({"steps": steps, "wire": log})
    for k in ("PLAIN_PORT", "TLS_PORT"):
        text = text.replace(":" + names[k], ":{" + k + "}")
    text = text.replace(home, "{HOME}").replace(certs, "{CERTS}")
    return json.loads(text)


# ---------------------------------------------------------------- comparing
def boundary_free(entry):
    """A multipart body with its boundary, which is random, replaced."""
    ctype = dict(entry.get("headers") or []).get("content-type", "")
    if "boundary=" not in ctype:
        return entry
    boundary = ctype.split("boundary=", 1)[1].strip('"').split(";")[0]
    entry = dict(entry)
    body = base64.b64decode(entry.get("body_b64") or "")
    entry["body_b64"] = base64.b64encode(body.replace(boundary.encode(), b"BOUNDARY")).decode()
    entry["headers"] = [[k, v.replace(boundary, "BOUNDARY")] if k == "content-type"
                        else [k, "N"] if k == "content-length" else [k, v] for k, v in entry["headers"]]
    return entry


def json_free(entry):
    """A JSON body as its value: how it is spaced and escaped is each library's own."""
    ctype = dict(entry.get("headers") or []).get("content-type", "")
    if "json" not in ctype or not entry.get("body_b64"):
        return entry
    try:
        value = json.loads(base64.b64decode(entry["body_b64"]))
    except ValueError:
        return entry
    entry = dict(entry, body_b64="json " + json.dumps(value, sort_keys=True))
    entry["headers"] = [[k, "N"] if k == "content-length" else [k, v] for k, v in entry["headers"]]
    return entry


def length_free(method, headers):
    """Content-Length: 0 where the method foresees no body: requests sends it, RFC 9110 asks for none."""
    if method in ("POST", "PUT", "PATCH"):
        return headers
    return [h for h in headers if h != ["content-length", "0"]]


def named_headers(scenario):
    """The headers that the scenario itself sets somewhere: those are compared whoever's they are."""
    out = set()

    def walk(v):
        if isinstance(v, dict):
            for k, w in v.items():
                if k == "headers" and isinstance(w, dict):
                    out.update(n.lower() for n in w)
                walk(w)
        elif isinstance(v, list):
            for w in v:
                walk(w)

    walk(scenario["steps"])
    return out


def digest_free(v):
    """A Digest answer holds a nonce of the client's; only that it is there is compared."""
    return "Digest" if v.startswith("Digest ") else v


def normal(observation, scenario):
    ignore = OWN_HEADERS - named_headers(scenario)
    skip = set(scenario.get("ignore", []))

    def headers(hs):
        out = [[k, digest_free(v)] for k, v in hs if k not in ignore]
        if "cookie_order" in skip:
            out = [[k, "; ".join(sorted(v.split("; ")))] if k == "cookie" else [k, v] for k, v in out]
        return sorted(out, key=lambda kv: kv[0])

    def request(p):
        if p is None:
            return None
        p = dict(p)
        if p.get("body_b64") == STREAM:
            p["body_b64"] = None
        p = json_free(boundary_free(p))
        # what a proxy is told is compared on the wire
        p["headers"] = [h for h in headers(p["headers"])
                        if h[0] != "proxy-authorization" and h != ["content-length", "0"]]
        return p

    def answer(a):
        if "error" in a:
            kind = a["error"]["kind"]
            if "response" not in a["error"]:
                return {"error": kind}
            return dict(answer({"ok": dict(a["error"]["response"], next=None)}), error=kind)
        a = dict(a["ok"])
        if "status" in a:
            if a.get("body_error"):
                a["body_error"] = a["body_error"]["kind"]
                a.pop("text", None)
                a["body_b64"] = None
            if not a.get("encoding"):
                a.pop("text", None)
            a["headers"] = [h for h in a["headers"] if h[0] not in ("connection", "trailer", "keep-alive")]
            a["request"] = request(a["request"])
            a["history"] = [dict(h, request=request(h["request"])) for h in a["history"]]
            a["next"] = request(a["next"])
        elif "method" in a and "headers" in a:
            a = request(a)
        if "cookies" in a:
            a["cookies"] = sorted(a["cookies"], key=lambda c: (c["domain"], c["path"], c["name"], c["host_only"]))
        for k in skip:
            a.pop(k, None)
        return a

    wire, conns = [], {}
    for r in observation["wire"]:
        r = json_free(boundary_free(dict(r)))
        r["headers"] = headers(r["headers"])
        r["conn"] = conns.setdefault(r["conn"], len(conns) + 1)
        if not scenario.get("compare_connections"):
            r.pop("conn")
        r["headers"] = length_free(r["method"], r["headers"])
        if r["framing"] == "length" and r["body_b64"] == "" and r["method"] not in ("POST", "PUT", "PATCH"):
            r["framing"] = "none"
        if r["method"] == "CONNECT":
            r["host"] = r["target"]  # requests sends no Host with CONNECT
            r["headers"] = [h for h in r["headers"] if h[0] == "proxy-authorization"]
        wire.append(r)
    return {"steps": [answer(a) for a in observation["steps"]], "wire": wire}


def patched(observation, scenario):
    """The reference's observation, changed where this library differs from it on purpose."""
    deliberate = scenario.get("deliberate", {})

    def reach(path):
        at = observation
        for key in path:
            at = at[int(key) if isinstance(at, list) else key]
        return at

    for path, value in deliberate.get("patch", []):
        *way, last = path.split(".")
        at = reach(way)
        at[int(last) if isinstance(at, list) else last] = value
    if "wire_length" in deliberate:
        del observation["wire"][deliberate["wire_length"]:]
    for path, name in deliberate.get("drop_headers", []):
        at = reach(path.split("."))
        at[:] = [h for h in at if h[0] != name]
    return observation


def differences(want, got, path="", later=0):
    """Where got is not want; later: how many seconds after want got was observed."""
    if isinstance(want, dict) and isinstance(got, dict):
        for k in sorted(set(want) | set(got)):
            if k not in want:
                yield f"{path}.{k}: only here: {short(got[k])}"
            elif k not in got:
                yield f"{path}.{k}: missing; expected {short(want[k])}"
            else:
                yield from differences(want[k], got[k], f"{path}.{k}", later)
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{path}: {len(got)} entries, expected {len(want)}: {short(got)} | {short(want)}"
            return
        for i, (w, g) in enumerate(zip(want, got)):
            yield from differences(w, g, f"{path}[{i}]", later)
    elif want != got:
        # Max-Age counts from each side's own clock, a date from none
        if (path.endswith(".expires") and want is not None and got is not None
                and min(abs(want - got), abs(want + later - got)) <= 5):
            return
        yield f"{path}: {short(got)}; expected {short(want)}"


def short(v):
    s = json.dumps(v)
    return s if len(s) < 300 else s[:297] + "..."


# ---------------------------------------------------------------- recording
def steady(value):
    """An observation without what differs from run to run and is never compared."""
    if isinstance(value, list):
        return [steady(v) for v in value]
    if not isinstance(value, dict):
        return value
    value = {k: steady(v) for k, v in value.items()}
    if "kind" in value and "message" in value:
        value["message"] = ""  # holds addresses of objects
    if "method" in value and isinstance(value.get("headers"), list):
        value = boundary_free(value)
        value["headers"] = [[k, digest_free(v)] for k, v in value["headers"]]
    return value


def expiries(value):
    """Whether a time of the clock's stands somewhere in value."""
    if isinstance(value, list):
        return any(expiries(v) for v in value)
    if isinstance(value, dict):
        return value.get("expires") is not None or any(expiries(v) for v in value.values())
    return False


def observe(scenario, reference):
    """What the reference does, as it is recorded."""
    at = int(time.time())
    seen = steady(play(scenario, REFERENCE, reference.process()))
    conns = {}
    for r in seen["wire"]:
        r["conn"] = conns.setdefault(r["conn"], len(conns) + 1)
    return dict(seen, at=at) if expiries(seen["steps"]) else seen


def settled(old, new):
    """The old observation where the new one says nothing else, so that only changes show."""
    if old is None:
        return new
    then, now = old.get("at", 0), new.get("at", 0)
    rest = ({k: v for k, v in o.items() if k != "at"} for o in (old, new))
    return new if any(differences(*rest, later=now - then)) else old


def versions():
    import requests
    import urllib3
    return {"python": platform.python_version(), "requests": requests.__version__, "urllib3": urllib3.__version__}


def dump(recording):
    """JSON with one line for each step and each request, so that changes read well."""
    def one(v):
        return json.dumps(v, sort_keys=True)

    def lines(vs):
        return "[" + ",".join("\n   " + one(v) for v in vs) + "]"

    def entry(o):
        at = f'"at": {o["at"]}, ' if "at" in o else ""
        return f'{{{at}"steps": {lines(o["steps"])},\n   "wire": {lines(o["wire"])}}}'

    head = ",\n ".join(f"{one(k)}: {one(recording[k])}" for k in sorted(recording) if k != "scenarios")
    body = ",\n  ".join(f"{one(k)}: {entry(o)}" for k, o in recording["scenarios"].items())
    return f'{{{head},\n "scenarios": {{\n  {body}}}}}\n'


def record(paths):
    reference, seen = Keeper(REFERENCE), {}
    for label, s in load(paths):
        file, _, name = label.partition("#")
        if name in seen.setdefault(file, {}):
            sys.exit(f"{label}: two scenarios of one name")
        seen[file][name] = s
    os.makedirs(RECORDED, exist_ok=True)
    for file, scenarios in seen.items():
        path = os.path.join(RECORDED, file)
        before = {}
        if os.path.exists(path):
            with open(path) as f:
                before = json.load(f)["scenarios"]
        now = {name: settled(before.get(name), observe(s, reference)) for name, s in scenarios.items()}
        with open(path, "w") as f:
            f.write(dump(dict(versions(), scenarios=now)))
        print(f"{file}: {len(now)} recorded")


def load(paths):
    for p in paths:
        if os.path.isdir(p):
            yield from load(sorted(os.path.join(p, f) for f in os.listdir(p) if f.endswith(".json")))
            continue
        with open(p) as f:
            found = json.load(f)
        for i, s in enumerate(found if isinstance(found, list) else [found]):
            yield f"{os.path.basename(p)}#{s.get('name', i)}", s


def main():
    if sys.argv[1:2] == ["record"]:
        return record(sys.argv[2:] or [p for p in FOLDERS if os.path.isdir(p)])
    if len(sys.argv) < 4 or "--" not in sys.argv:
        sys.exit(__doc__)
    cut = sys.argv.index("--")
    verb, paths, command = sys.argv[1], sys.argv[2:cut], sys.argv[cut + 1:]
    if len(command) == 1:
        command = shlex.split(command[0])
    if verb == "play":
        for _, s in load(paths):
            print(json.dumps(play(s, command), indent=1))
        return
    wire_only = "--wire" in paths
    paths = [p for p in paths if p != "--wire"]
    same = total = 0
    reference, driver = Keeper(REFERENCE), Keeper(command)
    for label, s in load(paths):
        total += 1
        want = patched(normal(play(s, REFERENCE, reference.process()), s), s)
        try:
            got = normal(play(s, command, driver.process()), s)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as e:
            print(f"{label}: an answer that PROTOCOL.md does not describe: {type(e).__name__} {e}")
            continue
        found = list(differences(want["wire"], got["wire"]) if wire_only else differences(want, got))
        if not found:
            same += 1
            continue
        print(f"{label}: {s.get('about', '')}")
        for d in found[:6]:
            print("   ", d)
    print(f"{same} passed, {total - same} failed")
    sys.exit(0 if same == total else 1)


if __name__ == "__main__":
    main()
