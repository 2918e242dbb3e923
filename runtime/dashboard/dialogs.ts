/** Dialogs: the browser keeps the focus inside, closes on Escape, and gives the focus back. */
import { type ComponentChildren, h, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** What every dialog has. */
interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  readonly children?: ComponentChildren;
}

/** A dialog that is open as long as it is there. */
export function Dialog({ title, close, children }: DialogProps): JSX.Element {
  const reference = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    reference.current?.showModal();
  }, []);
  return h("dialog", { ref: reference, onClose: close, "aria-label": title }, h("h2", { class: "dialog-title" }, title), children);
}

/** Asks before something is done. */
export function Confirm(props: {
  readonly title: string;
  readonly yes: string;
  /** Whether it takes something away. */
  readonly isGrave: boolean;
  readonly close: (agreed: boolean) => void;
  readonly children?: ComponentChildren;
}): JSX.Element {
  const { title, yes, isGrave, close, children } = props;
  return h(
    Dialog,
    { title, close: () => close(false) },
    children,
    h(
      "div",
      { class: "choices" },
      h("button", { type: "button", onClick: () => close(false), autofocus: true }, "Cancel"),
      h("button", { type: "button", class: isGrave ? "grave" : "main", onClick: () => close(true) }, yes),
    ),
  );
}

/** Asks for the token. */
export function TokenDialog({ why, take }: { readonly why: string; readonly take: (token: string | undefined) => void }): JSX.Element {
  const [text, setText] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const token = text.trim();
    take(token === "" ? undefined : token);
  };
  return h(
    Dialog,
    { title: "The box's token", close: () => take(undefined) },
    h("p", null, why),
    h("p", { class: "note" }, "It lies in the file api-token of the box's state directory. This tab keeps it until it is closed."),
    h(
      "form",
      { onSubmit: submit },
      h("label", { for: "token" }, "Token"),
      h("input", {
        id: "token",
        type: "password",
        autocomplete: "off",
        spellcheck: false,
        autofocus: true,
        value: text,
        onInput: (event: Event) => setText(event.currentTarget instanceof HTMLInputElement ? event.currentTarget.value : ""),
      }),
      h(
        "div",
        { class: "choices" },
        h("button", { type: "button", onClick: () => take(undefined) }, "Not now"),
        h("button", { type: "submit", class: "main" }, "Go on"),
      ),
    ),
  );
}
