/** Flows, history and pieces of the contexts over HTTP. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createApi } from "../../../runtime/api/app.ts";
import { flowsRow, historyRow } from "../../../runtime/api/flow-rows.ts";
import { fakeFacade } from "../../lib/facade.ts";

const api = createApi(fakeFacade(1_000));
const get = async (path: string) => {
  const response = await api.request(path);
  return { status: response.status, body: JSON.parse(await response.text()) };
};

test("flows and history answer in their schemas", async () => {
  const flows = await get("/flows");
  assert.equal([flows.status, flowsRow.parse(flows.body)], [200, flows.body]);
  const history = await get("/history");
  assert.equal([history.status, historyRow.parse(history.body)], [200, history.body]);
  assert.equal((await get("/history?after=2")).body.paths[0].states, "l");
  assert.is((await get("/history?after=-1")).status, 400);
  assert.is((await get("/flows?after=1")).status, 400);
});

test("a piece of the contexts from anywhere", async () => {
  const idsOf = async (query: string) => (await get(`/contexts?${query}`)).body.items.map(({ id }: { id: number }) => id);
  assert.equal(await idsOf("skip=900&limit=2"), [900, 901]);
  assert.equal(await idsOf("skip=999&limit=5"), [999]);
  assert.equal(await idsOf("skip=1000&limit=5"), []);
  assert.equal(await idsOf("cursor=9&skip=10&limit=1"), [20]);
  assert.is((await get("/contexts?skip=998&limit=1")).body.next, "998");
  assert.is((await get("/contexts?skip=999&limit=1")).body.next, null);
  assert.is((await get("/contexts?skip=x")).status, 400);
});

test.run();
