/** Shim6 header: octets from its first octet (RFC 5533 §5.1, §5.2). */
export const SHIM6_NEXT = 0;
export const SHIM6_EXT_LENGTH = 1;
/** P bit 0x80: 1 = payload extension header; then 47 bits of the receiver's context tag. */
export const SHIM6_P_TYPE = 2;
export const SHIM6_P_BIT = 0x80;
/** The first message of a set-up (RFC 5533 §5.4). */
export const SHIM6_TYPE_I1 = 1;
export const SHIM6_TAG = 2;
export const SHIM6_TAG_LENGTH = 6;
/** Octets of the payload extension header, and of the smallest header of any kind. */
export const SHIM6_PAYLOAD_LENGTH = 8;
