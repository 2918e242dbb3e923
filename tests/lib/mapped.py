"""Plain sockets for hosts and peers without Shim6: who serves prints whom it saw, who asks prints what became of it."""

import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys

TIMEOUT = 8.0


def serve(port):
    """TCP and UDP echo on every address, from the first line on until it is killed."""
    tcp = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("::", port))
    tcp.listen(8)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    # The answer leaves from the address that was asked.
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    udp.bind(("::", port))
    print("ready", flush=True)
    if os.fork() == 0:
        while True:
            data, info, _, peer = udp.recvmsg(65535, 256)
            print("udp", peer[0], flush=True)
            udp.sendmsg([data], info, 0, peer)
    while True:
        conn, peer = tcp.accept()
        print("tcp", peer[0], flush=True)
        if os.fork() == 0:
            while data := conn.recv(65536):
                conn.sendall(data)
            os._exit(0)
        conn.close()


def ask_tcp(address, port, octets):
    # One address of the asker's for all, whatever the way.
    source = os.environ.get("SOURCE", "::")
    conn = socket.create_connection((address, port), TIMEOUT, (source, 0))
    sent = bytes(i * 7 % 251 for i in range(octets))
    pid = os.fork()
    if pid == 0:
        conn.sendall(sent)
        os._exit(0)
    got = b""
    while len(got) < octets and (data := conn.recv(65536)):
        got += data
    os.waitpid(pid, 0)
    return "same" if got == sent else "other %d" % len(got)


def ask_udp(address, port, octets):
    conn = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    conn.settimeout(1)
    conn.connect((address, port))
    sent = bytes(i * 7 % 251 for i in range(octets))
    # The first one may be lost to what tells its sender of the path's MTU.
    for _ in range(6):
        try:
            conn.send(sent)
            return "same" if conn.recv(65535) == sent else "other"
        except OSError as error:
            if error.errno not in (None, errno.EMSGSIZE):
                raise
    return "nothing"


def ask_hops(address, port, hops):
    """What a datagram with so many hops meets: the error, and who sent it."""
    conn = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    conn.settimeout(TIMEOUT)
    conn.setsockopt(socket.IPPROTO_IPV6, 25, 1)  # IPV6_RECVERR
    conn.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    conn.connect((address, port))
    conn.send(b"x" * 100)
    try:
        conn.recv(100)
    except OSError:
        pass
    _, info, _, _ = conn.recvmsg(1500, 512, socket.MSG_ERRQUEUE)
    number, _, kind, code = struct.unpack_from("=IBBB", info[0][2])
    return "%s %d/%d %s" % (errno.errorcode[number], kind, code, socket.inet_ntop(socket.AF_INET6, info[0][2][24:40]))


def ask_echo(address, _port, octets):
    conn = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    conn.settimeout(TIMEOUT)
    body = struct.pack("!BBHHH", 128, 0, 0, os.getpid() & 0xFFFF, 1) + bytes(octets)
    conn.sendto(body, (address, 0))
    while True:
        data, peer = conn.recvfrom(65535)
        if data[0] == 129 and data[4:] == body[4:]:
            return "same"


def ask_mtu(address, port, octets):
    """Sends datagrams that must not be cut until the path says how large they may be."""
    conn = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    conn.settimeout(1)
    conn.setsockopt(socket.IPPROTO_IPV6, 23, 2)  # IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO
    conn.connect((address, port))
    for _ in range(8):
        try:
            conn.send(bytes(octets))
            conn.recv(65535)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                break
    return str(conn.getsockopt(socket.IPPROTO_IPV6, 24))  # IPV6_MTU


def finish():
    """From now on the kernel computes every checksum itself, on all interfaces: what is captured is what a wire would carry."""
    control = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for _, name in socket.if_nameindex():
        value = ctypes.create_string_buffer(struct.pack("=II", 0x17, 0))  # ETHTOOL_STXCSUM
        request = struct.pack("16sP8x", name.encode(), ctypes.addressof(value))
        try:
            fcntl.ioctl(control, 0x8946, request)  # SIOCETHTOOL
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
elif sys.argv[1] == "finish":
    finish()
else:
    try:
        print(globals()["ask_" + sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    except OSError as error:
        print(errno.errorcode.get(error.errno, error))
