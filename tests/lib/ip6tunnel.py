"""
IPv6 in IPv6 (RFC 2473) for kernels without ip6tnl, between a TUN device and raw sockets:

  DEVICE LOCAL REMOTE MTU     makes DEVICE, says "ready", and carries packets until it is ended

Packets larger than MTU never come: the kernel in front of the device refuses them, as ip6tnl's does.
"""
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
IPPROTO_IPV6 = 41

device, local, remote, mtu = sys.argv[1:]
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
subprocess.run(["ip", "link", "set", "dev", device, "mtu", mtu, "up"], check=True)
outer = socket.socket(socket.AF_INET6, socket.SOCK_RAW, IPPROTO_IPV6)
outer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
outer.bind((local, 0))
print("ready", flush=True)
while True:
    for ready in select.select([tun, outer], [], [])[0]:
        try:
            if ready == tun:
                outer.sendto(os.read(tun, 65536), (remote, 0))
            else:
                packet, source = outer.recvfrom(65536)
                if source[0] == remote:
                    os.write(tun, packet)
        except OSError as error:
            print(error, file=sys.stderr, flush=True)
