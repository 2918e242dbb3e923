/** Whether this process may raise a world here, and how it gets there when it may not yet. */
import type { LabHost } from "./host.ts";
import { type LabOptions, optionWords } from "./options.ts";

export type Standing =
  | { readonly kind: "ready" }
  /** Go on as `argv`: root of a user namespace, with namespaces and a /run of its own. */
  | { readonly kind: "enter"; readonly argv: readonly string[] }
  /** One sentence: what is missing. */
  | { readonly kind: "missing"; readonly what: string };

/** Set in a process that has entered, so that it does not try again. */
export const ENTERED = "PSHIM6_LAB_ENTERED";

/** Where who entered serves the dashboard, and where browsers find it: the socket's path and the address, one space between them. */
export const PAGE = "PSHIM6_LAB_PAGE";

/** With a process namespace of its own everything ends with the lab, whatever ends the lab; some containers refuse it. */
const WAYS_IN = [
  ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
  ["unshare", "--user", "--map-root-user", "--net", "--mount"],
];

/** `ip netns` keeps its namespaces in /run; an ordinary user has none to write to. */
const OWN_RUN = 'mount -t tmpfs tmpfs /run && exec "$@"';
const OPEN_TUN = "exec 3<>/dev/net/tun";

/** Looks at programs, devices and rights; makes nothing that stays. */
export async function findStanding(host: LabHost, options: LabOptions): Promise<Standing> {
  const { processes } = host;
  const works = async (...argv: string[]) => (await processes.run(argv)).code === 0;
  const missing = (what: string): Standing => ({ kind: "missing", what });
  if ((await processes.which("ip")) === undefined) return missing("`ip` is missing: install iproute2");
  if (!(await works("test", "-c", "/dev/net/tun"))) return missing("/dev/net/tun is missing: load the kernel module `tun` (modprobe tun)");
  if (processes.uid !== 0) {
    if ((await processes.which("unshare")) === undefined) return missing("`unshare` is missing: install util-linux, or run as root");
    for (const way of WAYS_IN) {
      const enter = [...way, "sh", "-c", OWN_RUN, "sh"];
      if (!(await works(...enter, "true"))) continue;
      if (!(await works(...enter, "sh", "-c", OPEN_TUN)))
        return missing("/dev/net/tun may be opened by root only: run as root, or allow it (chmod 666 /dev/net/tun)");
      return { kind: "enter", argv: [...enter, ...host.selfCommand(host.runtime).argv, "lab", ...optionWords(options)] };
    }
    return missing("ordinary users may not make user namespaces here: run as root, or allow it (sysctl user.max_user_namespaces)");
  }
  if (!(await works("sh", "-c", OPEN_TUN)))
    return missing("/dev/net/tun cannot be opened: the container needs the device (--device /dev/net/tun)");
  const namespace = `pshim6-probe-${processes.pid}`;
  if (!(await works("ip", "netns", "add", namespace)))
    return missing("network namespaces cannot be made: the container needs CAP_SYS_ADMIN and CAP_NET_ADMIN (--privileged)");
  await processes.run(["ip", "netns", "delete", namespace]);
  return { kind: "ready" };
}
