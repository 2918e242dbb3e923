/** One context: all that the box says of it, and what can be done with it. */
import { h, type JSX } from "preact";
import { useState } from "preact/hooks";
import type { ContextRow, DoneRow } from "../api/rows.ts";
import { Dialog } from "./dialogs.ts";
import { showCount, showMillis } from "./format.ts";
import type { Store } from "./store.ts";

/** What the dialog needs. */
interface Props {
  readonly store: Store;
  readonly row: ContextRow;
  readonly names: ReadonlyMap<string, string>;
  readonly close: () => void;
}

/** The dialog. */
export function ContextDialog({ store, row, names, close }: Props): JSX.Element {
  const [isSure, setSure] = useState(false);
  const name = names.get(row.localUlid);
  const facts: [string, string][] = [
    ["host", name === undefined ? row.localUlid : `${name}, ${row.localUlid}`],
    ["peer", row.peerUlid],
    ["peer box", row.peerBox ?? "names none"],
    ["state", `${row.state}${row.reap === null ? "" : `, ${row.reap}`}`],
    ["from", `${row.localLocator}${row.localProvider === null ? "" : ` (${row.localProvider})`}`],
    ["to", row.peerLocator],
    ["tags", `${row.localTag} here, ${row.peerTag ?? "unknown"} there`],
    ["fork", row.rule === null ? String(row.fork) : `${row.fork}, for the flows of ${row.rule}`],
    ["out", `${showCount(row.sent.packets)} packets, ${showCount(row.sent.octets)}B, last ${showMillis(row.lastSentMs)} ago`],
    ["in", `${showCount(row.received.packets)} packets, ${showCount(row.received.octets)}B, last ${showMillis(row.lastReceivedMs)} ago`],
    ["age", showMillis(row.ageMs)],
  ];
  const act = (verb: "rehome" | "discard"): void => {
    if (!store.wants("To act, the box wants its token.")) return close();
    if (verb === "discard" && !isSure) return setSure(true);
    close();
    void store.act(async () => `Context ${row.id}: ${(await store.client.post<DoneRow>(`contexts/${row.id}/${verb}`)).detail}`);
  };
  return h(
    Dialog,
    { title: `Context ${row.id}`, close },
    h(
      "dl",
      { class: "facts stacked" },
      facts.map(([fact, value]) => h("div", { key: fact }, h("dt", null, fact), h("dd", null, value))),
    ),
    isSure ? h("p", { class: "warning" }, "The host's next packet makes a new context; what is on its way is lost.") : null,
    h(
      "div",
      { class: "choices" },
      h("button", { type: "button", class: "grave", onClick: () => act("discard") }, isSure ? "Drop it now" : "Drop…"),
      h("button", { type: "button", onClick: () => act("rehome") }, "Look for a better pair"),
      h("button", { type: "button", class: "main", autofocus: true, onClick: close }, "Close"),
    ),
  );
}
