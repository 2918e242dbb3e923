/** `struct virtio_net_hdr` as TUN puts it before a packet (IFF_VNET_HDR); 16-bit fields are in host order, which WASM fixes as little-endian. */
export const VIRTIO_FLAGS = 0;
export const VIRTIO_GSO_TYPE = 1;
export const VIRTIO_HDR_LEN = 2;
export const VIRTIO_GSO_SIZE = 4;
/** Where summing starts, octets from the first octet of the packet. */
export const VIRTIO_CSUM_START = 6;
/** Where the sum goes, octets from `csum_start`. */
export const VIRTIO_CSUM_OFFSET = 8;
export const VIRTIO_HEADER_OCTETS = 10;

export const VIRTIO_GSO_TCP6 = 4;
/** UDP datagrams of one sender that follow one another, their headers alike. */
export const VIRTIO_GSO_UDP = 5;
/** Beside the type: the TCP segment carries CWR (RFC 3168 §6.1.2). */
export const VIRTIO_GSO_ECN = 0x80;

/** The sum field holds only the pseudo-header's part: summing was left to the device. */
export const VIRTIO_NEEDS_CSUM = 1;
