/** Programs that we run, and the Debian package that brings each. */
export const PACKAGES: Readonly<Record<string, string>> = {
  ip: "iproute2",
  tc: "iproute2",
  ss: "iproute2",
  bridge: "iproute2",
  nft: "nftables",
  sysctl: "procps",
  ping: "iputils-ping",
  tcpdump: "tcpdump",
  tshark: "tshark",
  iperf3: "iperf3",
};
