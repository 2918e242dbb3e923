import { PortError } from "../../runtime/port/error.ts";
import { EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENXIO, EPERM, errnoName } from "../linux/errno.ts";
import { O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../linux/file.ts";
import {
  IFF_MULTI_QUEUE,
  IFF_NO_PI,
  IFF_TUN,
  IFF_VNET_HDR,
  IFNAME_MAX,
  IFREQ_FLAGS,
  IFREQ_OCTETS,
  TUN_DEVICE,
  TUN_F_CSUM,
  TUNSETIFF,
  TUNSETOFFLOAD,
  TUNSETVNETHDRSZ,
  VIRTIO_HEADER,
} from "../linux/tun.ts";
import type { Libc } from "./libc.ts";

/** How a TUN is made. */
export interface TunOptions {
  /** Interface name, 1 … 15 octets without `/`, `%` and white space. */
  readonly name: string;
  /** Descriptors to open, each a queue of its own, 1 … 16. */
  readonly queues: number;
  /** TUN_F_* of what the kernel may leave to us; of several sets the first that it knows. Default: TUN_F_CSUM, transport checksums. */
  readonly offload?: number | readonly number[];
}

/**
 * A TUN that carries IPv6 packets behind a virtio header of 10 octets. It disappears when its last queue is closed. MTU,
 * routes and up/down are `ip`'s business.
 */
export interface Tun {
  readonly name: string;
  /** A non-blocking descriptor for each queue; usable from every thread. */
  readonly queues: readonly number[];
  /** Closes all queues. The second call does nothing. */
  close(): void;
}

/** Makes the device. @throws {PortError} `missing`, `permission`, `busy`, `unsupported`, `failed` */
export function openTun(libc: Libc, options: TunOptions): Tun {
  const { name, queues: count, offload = TUN_F_CSUM } = options;
  if (!/^[^\s/%:]{1,15}$/.test(name) || new TextEncoder().encode(name).length > IFNAME_MAX || name === "." || name === "..")
    throw new PortError("failed", `\`${name}\` is no name for an interface: use 1 to ${IFNAME_MAX} letters, digits and dashes`);
  const queues: number[] = [];
  const close = () => {
    for (const fd of queues.splice(0)) libc.close(fd);
  };
  try {
    for (let i = 0; i < count; i++) {
      const fd = libc.open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
      if (fd < 0) throw openError(libc.errno());
      queues.push(fd);
      const flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | (count > 1 ? IFF_MULTI_QUEUE : 0);
      if (libc.ioctl(fd, TUNSETIFF, interfaceRequest(name, flags)) < 0) throw attachError(name, libc.errno());
      if (libc.ioctl(fd, TUNSETVNETHDRSZ, new Uint8Array(new Int32Array([VIRTIO_HEADER]).buffer)) < 0)
        throw featureError("TUNSETVNETHDRSZ", libc.errno());
    }
    // Holds for the device, not for the queue.
    if (![offload].flat().some((features) => libc.ioctlNumber(queues[0], TUNSETOFFLOAD, features) >= 0))
      throw featureError("TUNSETOFFLOAD", libc.errno());
  } catch (error) {
    close();
    throw error;
  }
  return { name, queues, close };
}

function interfaceRequest(name: string, flags: number): Uint8Array {
  const request = new Uint8Array(IFREQ_OCTETS);
  new TextEncoder().encodeInto(name, request);
  new DataView(request.buffer).setInt16(IFREQ_FLAGS, flags, true);
  return request;
}

function openError(errno: number): PortError {
  if (errno === ENOENT || errno === ENODEV || errno === ENXIO)
    return new PortError("missing", `${TUN_DEVICE} is missing: load the module with \`modprobe tun\`, or give the container that device`);
  if (errno === EPERM || errno === EACCES)
    return new PortError(
      "permission",
      `${TUN_DEVICE} may not be opened (${errnoName(errno)}): run as root, or with CAP_NET_ADMIN and a device of mode 0666, as udev makes it`,
    );
  return new PortError("failed", `${TUN_DEVICE} cannot be opened: ${errnoName(errno)}`);
}

function attachError(name: string, errno: number): PortError {
  if (errno === EPERM || errno === EACCES)
    return new PortError("permission", `interface ${name} may not be made (${errnoName(errno)}): run as root or with CAP_NET_ADMIN`);
  if (errno === EBUSY)
    return new PortError("busy", `interface ${name} is in use by another process: stop that one, or choose another name`);
  if (errno === EINVAL)
    return new PortError(
      "busy",
      `an interface ${name} of another kind exists: remove it with \`ip link del ${name}\`, or choose another name`,
    );
  return new PortError("failed", `interface ${name} cannot be made: ${errnoName(errno)}`);
}

function featureError(what: string, errno: number): PortError {
  return new PortError("unsupported", `this kernel's TUN refuses ${what} (${errnoName(errno)}): Linux 4.6 or later is needed`);
}
