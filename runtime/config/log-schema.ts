/** Logging, as site.yaml has it. */
import { z } from "zod";
import { LOG_AREAS, type LogArea } from "./site.ts";

const levelField = z.enum(["debug", "info", "warn", "error"]);

const OF: Readonly<Record<LogArea, string>> = {
  box: "Start, stop, settings.",
  contexts: "What happens to contexts.",
  lines: "Lines to providers.",
  providers: "What operators and hooks say of providers.",
  drills: "Failover drills.",
  names: "The DNS gateway.",
  dhcp: "The DHCPv6 server.",
  zone: "The zone and its updates.",
  api: "Requests over HTTP.",
  udp: "Datagrams of the services.",
  capture: "The capture of control messages.",
};

export const logSchema = z.strictObject({
  level: levelField.default("info").meta({ description: "Least weight of what is logged." }),
  format: z.enum(["auto", "text", "json"]).default("auto").meta({
    description:
      "`text` is a line for people, `json` an object a line. `auto` is text on a terminal and for systemd's journal, else JSON. The journal gets each line's priority, and no time beside its own.",
  }),
  areas: z
    .strictObject({
      box: area("box"),
      contexts: area("contexts"),
      lines: area("lines"),
      providers: area("providers"),
      drills: area("drills"),
      names: area("names"),
      dhcp: area("dhcp"),
      zone: area("zone"),
      api: area("api"),
      udp: area("udp"),
      capture: area("capture"),
    } satisfies Record<LogArea, unknown>)
    .prefault({})
    .transform((areas) => Object.fromEntries(LOG_AREAS.flatMap((name) => (areas[name] === undefined ? [] : [[name, areas[name]]]))))
    .meta({ description: "Levels of single areas, whatever `level` says." }),
});

function area(name: LogArea) {
  return levelField.optional().meta({ description: OF[name], defaultText: "as `level`", example: "debug" });
}
