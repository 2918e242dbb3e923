/** Providers broken and mended by the round and by hand, one change after another. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Controls } from "../../../runtime/lab/controls.ts";
import { DIES, linesTo, type ProviderState, pluggedIn, RETURNS, UNPLUGGED } from "../../../runtime/lab/events.ts";
import { newModel } from "../../../runtime/lab/model.ts";
import { ALPHA } from "../../../runtime/lab/world.ts";

function world() {
  const model = newModel(["node", "node"]);
  for (const { name } of ALPHA.providers) model.providers.set(name, "up");
  const ran: [node: string, lines: string][] = [];
  const notes: string[] = [];
  let open = 0;
  const controls = new Controls({
    model,
    providers: ALPHA.providers,
    note: (text) => notes.push(text),
    ground: {
      ip: async (node, lines) => {
        assert.is(++open, 1, "one after another");
        await Promise.resolve();
        ran.push([node, lines]);
        open--;
      },
    },
  });
  return { model, ran, notes, controls };
}

test("each state has its way in and its way out", async () => {
  const [isp1] = ALPHA.providers;
  const states: ProviderState[] = ["up", "dead", "unplugged"];
  const lines: Record<string, string> = {
    "up dead": DIES,
    "dead up": RETURNS,
    "up unplugged": UNPLUGGED,
    "unplugged up": pluggedIn(isp1),
    "dead unplugged": RETURNS + UNPLUGGED,
    "unplugged dead": pluggedIn(isp1) + DIES,
  };
  for (const from of states) {
    for (const to of states) {
      const { model, ran, controls } = world();
      model.providers.set("isp1", from);
      await controls.turn("isp1", to);
      assert.equal(ran, from === to ? [] : [["isp1", lines[`${from} ${to}`]]], `${from} ${to}`);
      assert.is(model.providers.get("isp1"), to);
    }
  }
  assert.is(linesTo(isp1, "up", "up"), "");
});

test("the round rests when somebody takes over, and goes on in a world that is whole", async () => {
  const { model, notes, controls } = world();
  const { taken } = controls;
  await controls.turn("isp2", "unplugged");
  assert.equal([controls.isByHand, taken.aborted], [false, false]);
  await controls.turnByHand("isp1", "dead");
  assert.equal([controls.isByHand, taken.aborted, notes], [true, true, ["by hand: isp1 dies silently"]]);
  await controls.goOn();
  assert.equal([controls.isByHand, controls.taken.aborted, [...model.providers.values()]], [false, false, ["up", "up"]]);
  await controls.goOn();
  assert.is(notes.length, 2);
});

test("changes that come at once are made one after another", async () => {
  const { ran, controls, model } = world();
  await Promise.all([controls.turn("isp1", "dead"), controls.turnByHand("isp1", "up"), controls.turnByHand("isp1", "dead")]);
  assert.equal(
    ran.map(([, lines]) => lines),
    [DIES, RETURNS, DIES],
  );
  assert.is(model.providers.get("isp1"), "dead");
});

test("a change that fails is told, and the next one is made", async () => {
  const model = newModel(["node", "node"]);
  let fails = true;
  const controls = new Controls({
    model,
    providers: ALPHA.providers,
    note: () => undefined,
    ground: { ip: () => (fails ? Promise.reject(new Error("no")) : Promise.resolve()) },
  });
  let told = "";
  await controls.turn("isp1", "dead").catch((error: Error) => {
    told = error.message;
  });
  assert.equal([told, model.providers.get("isp1")], ["no", undefined]);
  fails = false;
  await controls.turn("isp1", "dead");
  assert.is(model.providers.get("isp1"), "dead");
});

test.run();
