/** Looks at the running world a few times a second and keeps the model up to date. */
import type { Box } from "./boxes.ts";
import { busiest, type Counted, readCounters } from "./carrier.ts";
import type { LabHost } from "./host.ts";
import { addRate, type LabModel } from "./model.ts";
import type { Traffic } from "./traffic.ts";

/** Milliseconds from one look to the next. */
export const LOOK = 250;

/** @returns how to stop it; resolves when the last look is over */
export function watch(
  host: LabHost,
  boxes: readonly [Box, Box],
  traffic: Traffic,
  model: LabModel,
  changed: () => void,
): () => Promise<void> {
  const stop = new AbortController();
  const [box] = boxes;
  const nameOf = new Map(box.site.providers.map((provider) => [provider.interface, provider.name]));
  const interfaces = [...nameOf.keys()];
  const look = (): Map<string, Counted> => readCounters(host.files.readText(`/proc/${box.pid}/net/dev`) ?? "");
  const run = async () => {
    let counters = look();
    let octets = traffic.octets;
    let at = host.clock.now();
    while (!stop.signal.aborted) {
      await host.sleep(LOOK, stop.signal);
      const [now, next] = [host.clock.now(), look()];
      // While the stream stands still nobody carries it; the last one known stays, so that "from" has an answer.
      model.outbound = nameOf.get(busiest(counters, next, interfaces, "sent") ?? "") ?? model.outbound;
      model.inbound = nameOf.get(busiest(counters, next, interfaces, "received") ?? "") ?? model.inbound;
      addRate(model, ((traffic.octets - octets) * 1000) / Math.max(1, now - at));
      [counters, octets, at] = [next, traffic.octets, now];
      model.octets = octets;
      model.stillFor = traffic.gapNow;
      const [a, b] = await Promise.all(boxes.map((each) => each.contexts()));
      model.contexts[0] = a;
      model.contexts[1] = b;
      changed();
    }
  };
  const over = run();
  return () => {
    stop.abort();
    return over;
  };
}
