import * as verdict from "./verdict.ts";

/** Names of the counters, by verdict. TypeScript only: a string in the core would be a data segment. */
export const COUNTER_NAMES: ReadonlyMap<number, string> = new Map([
  [verdict.FORWARD_OUT, "out-payload-shim6"],
  [verdict.FORWARD_IN, "in-payload-shim6"],
  [verdict.FORWARD_ROUTING, "pass-segments-routing"],
  [verdict.PUNT_NO_CONTEXT, "punt-no-context"],
  [verdict.PUNT_CONTROL, "punt-control-shim6"],
  [verdict.PUNT_NO_TAG, "punt-no-tag-shim6"],
  [verdict.PUNT_HOLD, "punt-hold"],
  [verdict.PUNT_ICMP6, "punt-icmp6"],
  [verdict.PUNT_OTHER, "punt-other"],
  [verdict.PUNT_BIG, "punt-big"],
  [verdict.PUNT_ROUTER, "punt-router-icmp6"],
  [verdict.DROP_SHORT_IP6, "drop-short-ip6"],
  [verdict.DROP_LONG_FRAME, "drop-long-frame"],
  [verdict.DROP_GSO_VIRTIO, "drop-gso-virtio"],
  [verdict.DROP_VERSION_IP6, "drop-version-ip6"],
  [verdict.DROP_LENGTH_IP6, "drop-length-ip6"],
  [verdict.DROP_SUM_VIRTIO, "drop-sum-virtio"],
  [verdict.DROP_SOURCE_IP6, "drop-source-ip6"],
  [verdict.DROP_DESTINATION_IP6, "drop-destination-ip6"],
  [verdict.DROP_MARTIAN_IP6, "drop-martian-ip6"],
  [verdict.DROP_SHORT_EXTENSION, "drop-short-extension"],
  [verdict.DROP_CHAIN_EXTENSION, "drop-chain-extension"],
  [verdict.DROP_SEGMENTS_ROUTING, "drop-segments-routing"],
  [verdict.DROP_SHORT_SHIM6, "drop-short-shim6"],
  [verdict.DROP_LENGTH_SHIM6, "drop-length-shim6"],
  [verdict.DROP_LONG_IP6, "drop-long-ip6"],
  [verdict.DROP_PROTOCOL_IP6, "drop-protocol-ip6"],
  [verdict.DROP_PUNT_FULL, "drop-punt-full"],
  [verdict.DROP_BUSY_CONTEXT, "drop-busy-context"],
  [verdict.DROP_WRITE_TUN, "drop-write-tun"],
  [verdict.COUNT_ACTIVITY_FULL, "punt-activity-full"],
  [verdict.COUNT_MSS_OUT, "out-mss-tcp"],
  [verdict.COUNT_MSS_IN, "in-mss-tcp"],
  [verdict.DROP_ROOM_VIRTIO, "drop-room-virtio"],
  [verdict.COUNT_LARGE_OUT, "out-large-frame"],
  [verdict.COUNT_LARGE_IN, "in-large-frame"],
]);

/** Name of the count at `GIVEN_UP` of map.ts. */
export const GIVEN_UP_NAME = "punt-busy-context";
