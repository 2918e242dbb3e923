"""
Multipath TCP by the kernel's own sockets, inside a host's namespace:

  serve PORT        sends back what comes, connection after connection
  ask DST PORT      sends OCTETS there and back; prints "mptcp" or "fallback", how the kernel has it in the end
"""
import socket
import struct
import sys

IPPROTO_MPTCP = 262
SOL_MPTCP, MPTCP_INFO = 284, 1
INFO_OCTETS, FLAGS_AT, FLAG_FALLBACK = 128, 8, 1
OCTETS = 300_000


def mptcp():
    return socket.socket(socket.AF_INET6, socket.SOCK_STREAM, IPPROTO_MPTCP)


def verb_serve(port):
    listener = mptcp()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", int(port)))
    listener.listen()
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        while data := connection.recv(65536):
            connection.sendall(data)
        connection.close()


def verb_ask(dst, port):
    sock = mptcp()
    sock.settimeout(15)
    sock.connect((dst, int(port)))
    sent = bytes(i * 11 & 0xFF for i in range(OCTETS))
    got = b""
    for at in range(0, OCTETS, 10_000):
        sock.sendall(sent[at : at + 10_000])
        while len(got) < at + 10_000:
            got += sock.recv(65536)
    info = sock.getsockopt(SOL_MPTCP, MPTCP_INFO, INFO_OCTETS)
    (flags,) = struct.unpack_from("=I", info, FLAGS_AT)
    print("fallback" if flags & FLAG_FALLBACK else "mptcp")
    return got == sent


sys.exit(0 if globals()["verb_" + sys.argv[1]](*sys.argv[2:]) else 1)
