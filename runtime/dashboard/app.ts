/** The page: its parts in their order. */
import { h, type JSX } from "preact";
import { Contexts } from "./contexts.ts";
import { TokenDialog } from "./dialogs.ts";
import { Events } from "./events.ts";
import { Figure } from "./figure.ts";
import { Header } from "./header.ts";
import { useStore } from "./hooks.ts";
import { Lab } from "./lab.ts";
import { Paths } from "./paths.ts";
import { Providers } from "./providers.ts";
import type { Store } from "./store.ts";

/** The whole page over `store`. */
export function App({ store }: { readonly store: Store }): JSX.Element {
  const state = useStore(store);
  const { trouble, alarm, lab, wanted } = state;
  document.title = `${state.status?.site ?? "pshim6"}${trouble === undefined ? "" : " (no answer)"} · pshim6`;
  return h(
    "div",
    { class: "page" },
    h("a", { class: "skip", href: "#contexts" }, "Skip to the contexts"),
    h(Header, { state }),
    h("p", { class: "trouble", role: "alert" }, trouble ?? ""),
    h("p", { class: "alarm", role: "status", "data-alarm": "" }, alarm),
    h(
      "main",
      null,
      lab === undefined ? null : h(Lab, { store, lab }),
      h(Figure, { state }),
      h(Providers, { store, state }),
      h(Paths, { state }),
      h(Events, { state }),
      h(Contexts, { store, state }),
    ),
    wanted === undefined ? null : h(TokenDialog, { why: wanted, take: (token: string | undefined) => store.take(token) }),
  );
}
