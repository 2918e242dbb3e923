/** A box that is taken down: everything in turn, whatever one part does. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { memoryLogs } from "../../../adapters/memory/log.ts";
import { Teardown } from "../../../runtime/box/teardown.ts";

test("in the opposite order, each once, and an error does not spare the others", async () => {
  const teardown = new Teardown(memoryLogs().area("box"));
  const closed: string[] = [];
  const step = (name: string, fault?: Error) =>
    teardown.push(name, async () => {
      closed.push(name);
      if (fault !== undefined) throw fault;
    });
  step("a");
  step("b", new Error("b is stuck"));
  teardown.push("c", () => void closed.push("c"));
  await teardown.run().then(
    () => assert.unreachable("the error is told"),
    (error) => assert.is(error.message, "b is stuck"),
  );
  assert.equal(closed, ["c", "b", "a"]);
  await teardown.run();
  assert.is(closed.length, 3);
});

test("a part that never ends is named and left behind", async () => {
  const logs = memoryLogs();
  const teardown = new Teardown(logs.area("box"), 20);
  const closed: string[] = [];
  teardown.push("routes", () => void closed.push("routes"));
  teardown.push("thread", () => new Promise<void>(() => undefined));
  await teardown.run();
  assert.equal(closed, ["routes"]);
  assert.ok(logs.take().some(({ fields }) => fields.part === "thread"));
});

test.run();
