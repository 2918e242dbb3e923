import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { metricsOf, PEERS_SHOWN } from "../../../runtime/api/metrics.ts";
import type { PathRow } from "../../../runtime/api/rows.ts";
import { fakeFacade } from "../../lib/facade.ts";

const path = (change: Partial<PathRow>): PathRow => ({
  id: "p1",
  peerBox: "cd".repeat(32),
  localLocator: "2001:db8:a1::10",
  peerLocator: "2001:db8:b3::10",
  localProvider: "isp1",
  state: "alive",
  sinceMs: 1,
  rttMs: 20,
  loss: null,
  brownOut: false,
  mtu: 1500,
  contexts: 2,
  ...change,
});

test("the whole text, golden", () => {
  const box = fakeFacade(3);
  box.paths = () => [
    path({}),
    path({ rttMs: 10, loss: 0.25, brownOut: true, contexts: 1 }),
    path({ state: "lost", rttMs: 1 }),
    path({ localProvider: null, rttMs: null }),
  ];
  box.counters = () => [
    ["out-shim6-packets", 42],
    ["drop-bad-sum-shim6", 0],
    ["in-I1", 7],
    ["punt-hold", 1],
    ["pass-segments-routing", 2],
    ["held-octets", 640],
  ];
  box.firewall = () => [{ name: 'rule-"a\\b"', packets: 3, octets: 240 }];
  const lines = metricsOf(box).split("\n");
  assert.equal(
    lines.filter((line) => !line.startsWith("#")),
    [
      'pshim6_build_info{version="1.2.3",runtime="node 26.10.0"} 1',
      "pshim6_uptime_seconds 3661",
      "pshim6_ready 1",
      "pshim6_contexts 3",
      "pshim6_contexts_limit 65536",
      "pshim6_held_bytes 640",
      'pshim6_dropped_total{reason="bad-sum-shim6"} 0',
      'pshim6_received_total{kind="I1"} 7',
      'pshim6_sent_total{kind="shim6-packets"} 42',
      'pshim6_punted_total{reason="hold"} 1',
      'pshim6_passed_total{kind="segments-routing"} 2',
      'pshim6_paths{provider="isp1",peer="cdcdcdcdcdcdcdcd",state="alive"} 2',
      'pshim6_paths{provider="isp1",peer="cdcdcdcdcdcdcdcd",state="lost"} 1',
      'pshim6_paths{provider="isp1",peer="cdcdcdcdcdcdcdcd",state="unknown"} 0',
      'pshim6_paths{provider="",peer="cdcdcdcdcdcdcdcd",state="alive"} 1',
      'pshim6_paths{provider="",peer="cdcdcdcdcdcdcdcd",state="lost"} 0',
      'pshim6_paths{provider="",peer="cdcdcdcdcdcdcdcd",state="unknown"} 0',
      'pshim6_path_contexts{provider="isp1",peer="cdcdcdcdcdcdcdcd"} 5',
      'pshim6_path_contexts{provider="",peer="cdcdcdcdcdcdcdcd"} 2',
      'pshim6_path_round_trip_seconds{provider="isp1",peer="cdcdcdcdcdcdcdcd"} 0.01',
      'pshim6_path_loss_ratio{provider="isp1",peer="cdcdcdcdcdcdcdcd"} 0.25',
      'pshim6_path_delay_seconds{provider="isp1",peer="cdcdcdcdcdcdcdcd"} 0.02',
      'pshim6_path_brown_outs{provider="isp1",peer="cdcdcdcdcdcdcdcd"} 1',
      'pshim6_path_brown_outs{provider="",peer="cdcdcdcdcdcdcdcd"} 0',
      'pshim6_firewall_packets_total{rule="rule-\\"a\\\\b\\""} 3',
      'pshim6_firewall_bytes_total{rule="rule-\\"a\\\\b\\""} 240',
      "",
    ],
  );
});

test("no label names a host, and many peers make few series", () => {
  const box = fakeFacade(3);
  box.paths = () =>
    Array.from({ length: 10_000 }, (_, i) => path({ peerBox: i.toString(16).padStart(8, "0").padEnd(64, "0"), contexts: i }));
  const text = metricsOf(box);
  assert.not.match(text, /2001:db8|fc00:/);
  assert.is(text.split("\n").filter((line) => line.startsWith("pshim6_path_contexts{")).length, PEERS_SHOWN + 1);
  const other = text.match(/pshim6_path_contexts{provider="isp1",peer="other"} (\d+)/);
  const shown = Array.from({ length: 10_000 - PEERS_SHOWN }, (_, i) => i).reduce((sum, i) => sum + i, 0);
  assert.is(Number(other?.[1]), shown);
});

test("served in Prometheus' type", async () => {
  const response = await createApi(fakeFacade(0)).request("/metrics");
  assert.is(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.match(await response.text(), /^pshim6_ready 0$/m);
});

test.run();
