/** The TUN device: include/uapi/linux/if_tun.h, if.h, virtio_net.h. */

export const TUN_DEVICE = "/dev/net/tun";

// ioctl requests. _IOW('T', n, int); the size in them is that of int, whatever is really passed.
export const TUNSETIFF = 0x4004_54ca;
export const TUNSETOFFLOAD = 0x4004_54d0;
export const TUNSETVNETHDRSZ = 0x4004_54d8;

// Flags in ifr_flags.
export const IFF_TUN = 0x0001;
export const IFF_MULTI_QUEUE = 0x0100;
export const IFF_NO_PI = 0x1000;
export const IFF_VNET_HDR = 0x4000;

// Flags of TUNSETOFFLOAD: what the kernel may hand us unfinished.
export const TUN_F_CSUM = 0x01;
export const TUN_F_TSO4 = 0x02;
export const TUN_F_TSO6 = 0x04;
export const TUN_F_TSO_ECN = 0x08;
export const TUN_F_USO4 = 0x20;
export const TUN_F_USO6 = 0x40;

/** struct ifreq: name, then a union of which we use ifr_flags (i16). */
export const IFREQ_OCTETS = 40;
export const IFREQ_FLAGS = 16;
/** Longest interface name, octets, without the NUL. */
export const IFNAME_MAX = 15;

/** struct virtio_net_hdr without the number of buffers: flags u8, gso_type u8, hdr_len, gso_size, csum_start, csum_offset u16 (little-endian here). */
export const VIRTIO_HEADER = 10;
export const VIRTIO_FLAGS = 0;
export const VIRTIO_GSO_TYPE = 1;
export const VIRTIO_HDR_LEN = 2;
export const VIRTIO_GSO_SIZE = 4;
export const VIRTIO_CSUM_START = 6;
export const VIRTIO_CSUM_OFFSET = 8;
export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
export const VIRTIO_NET_HDR_F_DATA_VALID = 2;
