"""
What hosts do at the corners of the data plane, by real sockets. Run inside a host's namespace as root:

  echo PORT                      answers UDP datagrams for ever
  udp DST PORT OCTETS [TIMES]    sends UDP payloads, wants them back; the kernel fragments
  df DST PORT OCTETS             the same, never fragmented; prints what the host takes the path MTU for
  refused DST PORT               nobody listens there: wants the port unreachable
  ping DST OCTETS                echo request, wants the answer
  trace DST                      who answers at each hop limit, then how it ended
  sink PROTOCOL                  counts raw packets of a protocol and sends each back
  raw DST PROTOCOL OCTETS        sends one, wants it back
  options DST PORT               UDP behind hop-by-hop options, behind destination options, behind both

One line of output each; exit 0 = as wanted.
"""
import errno
import os
import select
import socket
import struct
import sys
import time

PATIENCE = 4.0
IPV6_HOPOPTS, IPV6_DSTOPTS = 54, 59
IPV6_MTU_DISCOVER, IPV6_MTU, IPV6_DONTFRAG = 23, 24, 62
PMTUDISC_DO = 2


def pattern(octets):
    return bytes((i * 7 + octets) & 0xFF for i in range(octets))


def udp(**options):
    return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)


def ask(sock, data, address):
    """Sends until the same comes back: the first packets may meet a path whose MTU nobody knows yet."""
    until = time.monotonic() + PATIENCE
    tries = 0
    while time.monotonic() < until:
        tries += 1
        try:
            sock.sendto(data, address)
            if select.select([sock], [], [], 0.3)[0] and sock.recv(65536) == data:
                return tries
        except OSError as error:
            # The kernel says so when the error arrives, too.
            if error.errno != errno.EMSGSIZE:
                raise
            return -1
    return 0


def verb_echo(port):
    sock = udp()
    sock.bind(("::", int(port)))
    print("ready", flush=True)
    while True:
        data, address = sock.recvfrom(65536)
        sock.sendto(data, address)


def verb_udp(dst, port, octets, times="1"):
    sock = udp()
    tries = [ask(sock, pattern(int(octets)), (dst, int(port))) for _ in range(int(times))]
    print("tries", max(tries))
    return min(tries) > 0


def verb_df(dst, port, octets):
    sock = udp()
    sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DO)
    sock.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
    sock.connect((dst, int(port)))
    tries = ask(sock, pattern(int(octets)), (dst, int(port)))
    print("mtu", sock.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU), "passed" if tries > 0 else "too-big" if tries < 0 else "lost")
    return True


def verb_refused(dst, port):
    sock = udp()
    sock.connect((dst, int(port)))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            sock.send(b"anyone?")
            select.select([sock], [], [], 0.3)
        except ConnectionRefusedError:
            print("refused")
            return True
    print("silence")
    return False


def icmp():
    return socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)


def echo_request(sequence, octets):
    return struct.pack("!BBHHH", 128, 0, 0, os.getpid() & 0xFFFF, sequence) + pattern(octets)


def verb_ping(dst, octets):
    sock = icmp()
    until = time.monotonic() + PATIENCE
    sequence = 0
    while time.monotonic() < until:
        sequence += 1
        sock.sendto(echo_request(sequence, int(octets)), (dst, 0))
        wait = time.monotonic() + 0.4
        while select.select([sock], [], [], max(0, wait - time.monotonic()))[0]:
            data, address = sock.recvfrom(65536)
            if data[0] == 129 and address[0] == dst and data[8:] == pattern(int(octets)):
                print("tries", sequence)
                return True
    print("lost")
    return False


def verb_trace(dst):
    sock = icmp()
    hops = []
    for hop in range(1, 16):
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop)
        answer = "*"
        for attempt in range(2):
            sequence = hop * 8 + attempt
            sock.sendto(echo_request(sequence, 20), (dst, 0))
            wait = time.monotonic() + 0.5
            while answer == "*" and select.select([sock], [], [], max(0, wait - time.monotonic()))[0]:
                data, address = sock.recvfrom(65536)
                if data[0] == 129 and data[6:8] == struct.pack("!H", sequence):
                    hops.append(address[0])
                    print(" ".join(hops), "end")
                    return True
                quote = data[8:]
                ours = len(quote) >= 48 and quote[6] == 58 and quote[24:40] == socket.inet_pton(socket.AF_INET6, dst)
                if data[0] == 3 and ours and quote[46:48] == struct.pack("!H", sequence):
                    answer = address[0]
            if answer != "*":
                break
        hops.append(answer)
    print(" ".join(hops), "lost")
    return False


def verb_sink(protocol):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, int(protocol))
    print("ready", flush=True)
    while True:
        data, address = sock.recvfrom(65536)
        if data[:1] != b"R":
            sock.sendto(b"R" + data[1:], address)


def verb_raw(dst, protocol, octets):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, int(protocol))
    data = b"Q" + pattern(int(octets) - 1)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        sock.sendto(data, (dst, 0))
        if select.select([sock], [], [], 0.3)[0] and sock.recv(65536) == b"R" + data[1:]:
            print("back")
            return True
    print("lost")
    return False


def verb_options(dst, port):
    filler = bytes([0, 0, 1, 4, 0, 0, 0, 0])
    results = []
    for name, options in (("hop-by-hop", [IPV6_HOPOPTS]), ("destination", [IPV6_DSTOPTS]), ("both", [IPV6_HOPOPTS, IPV6_DSTOPTS])):
        for octets in (100, 3000):
            sock = udp()
            for option in options:
                sock.setsockopt(socket.IPPROTO_IPV6, option, filler)
            results.append(f"{name}-{octets}-{'ok' if ask(sock, pattern(octets), (dst, int(port))) > 0 else 'lost'}")
    print(" ".join(results))
    return all(result.endswith("ok") for result in results)


sys.exit(0 if globals()["verb_" + sys.argv[1]](*sys.argv[2:]) else 1)
