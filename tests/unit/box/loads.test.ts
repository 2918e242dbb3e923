/** When a line is full and when it is free again; what the box makes of counters of the kernel. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { LOAD_LOOK, Load, Loads } from "../../../runtime/box/loads.ts";
import type { Provider } from "../../../runtime/config/site.ts";
import { prefix } from "../../../runtime/value/prefix.ts";

const CAPACITY = 8_000_000;

/** Looks at a line that carries these rates, in parts of {@link CAPACITY}, for a second each. @returns whether it was full after each */
function after(rates: readonly number[], way: "sent" | "received" = "sent"): boolean[] {
  const load = new Load();
  let octets = 0;
  load.look({ sent: 0, received: 0 }, CAPACITY, 0);
  return rates.map((rate, i) => {
    octets += (rate * CAPACITY) / 8;
    return load.look({ sent: 0, received: 0, [way]: octets }, CAPACITY, 1_000 * (i + 1));
  });
}

test("full above the capacity, either way, and until it has come down to four fifths of it", () => {
  for (const way of ["sent", "received"] as const) {
    assert.equal(after([0.5, 0.9, 1], way), [false, false, false]);
    assert.equal(after([1.2, 0.9, 0.9, 0.9, 0.9, 0.9], way), [true, true, true, true, true, true]);
    assert.is(after([1.2, 1.2, 1.2, 0.5, 0.5, 0.5, 0.5, 0.5], way).at(-1), false);
  }
});

test("one second's burst among quiet ones does not fill it", () => {
  assert.equal(after([0.1, 0.1, 0.1, 0.1, 0.1, 3, 0.1]).slice(-2), [false, false]);
});

test("counters that begin anew are no rate", () => {
  const load = new Load();
  load.look({ sent: 1e12, received: 0 }, CAPACITY, 0);
  assert.is(load.look({ sent: 5, received: 0 }, CAPACITY, 1_000), false);
  assert.is(load.rate, undefined);
  assert.is(load.look({ sent: 5 + 2_000_000, received: 0 }, CAPACITY, 2_000), true);
});

test("a box looks while a provider has a capacity; a line without counters is none, and said once", () => {
  const provider = (name: string, capacity?: number): Provider => ({
    name,
    prefix: prefix(`2001:db8:a${name.at(-1)}::/48`),
    auto: false,
    interface: `up${name.at(-1)}`,
    gateway: undefined,
    priority: 10,
    weight: 10,
    table: undefined,
    capacity,
  });
  let providers = [provider("isp1", CAPACITY), provider("isp2"), provider("isp3", CAPACITY)];
  const octets: Record<string, number> = { up1: 0 };
  const heard: string[][] = [];
  const agenda: (() => void)[] = [];
  const logs = memoryLogs();
  let now = 0;
  const loads = new Loads({
    providers: () => providers,
    files: { readText: (path) => (path.includes("/up1/") ? `${path.endsWith("tx_bytes") ? octets.up1 : 0}\n` : undefined) },
    now: () => now,
    later: (_at, run) => agenda.push(run),
    log: logs.area("box"),
    changed: (full) => heard.push([...full]),
  });
  const second = (rate: number): void => {
    now += LOAD_LOOK;
    octets.up1 += (rate * CAPACITY) / 8;
    agenda.shift()?.();
  };
  loads.refresh();
  for (let i = 0; i < 3; i++) second(2);
  assert.equal(heard, [["2001:db8:a1::/48"]]);
  for (let i = 0; i < 6; i++) second(0.1);
  assert.equal(heard, [["2001:db8:a1::/48"], []]);
  assert.is(logs.take().filter(({ message }) => message.includes("no counters")).length, 1);
  providers = [provider("isp1")];
  second(5);
  assert.is(agenda.length, 0, "nothing to look after");
  providers = [provider("isp1", CAPACITY)];
  loads.refresh();
  loads.refresh();
  assert.is(agenda.length, 1);
});

test.run();
