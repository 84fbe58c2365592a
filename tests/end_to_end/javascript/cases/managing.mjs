// Each method of the client that changes which models there are: name of the case -> the test.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { all, assertLast, assertRefused, names, say, SHORT } from "./asking.mjs";

async function assertSucceeds(stream) {
  const parts = await all(stream);
  assert.ok(parts.length > 1);
  assert.ok(parts.every((part) => typeof part.status === "string"));
  assert.equal(parts.at(-1).status, "success");
}

async function assertAnswers(client, model) {
  assert.ok((await names(client.list())).includes(`${model}:latest`), `${model} is not listed`);
  assertLast(await client.generate({ model, prompt: "Hello", options: SHORT }));
}

async function upload(host, content, digest) {
  return (await fetch(`${host}/api/blobs/${digest}`, { method: "POST", body: content })).status;
}

export const cases = {
  create: async (client) => {
    const parameters = { num_predict: 3, temperature: 0 };
    const wanted = { from: "tiny-chat", system: "Be brief.", parameters };
    await assertSucceeds(await client.create({ model: "made", ...wanted, stream: true }));
    const shown = await client.show({ model: "made" });
    assert.equal(shown.system, "Be brief.");
    assert.match(shown.parameters, /^num_predict +3$/m);
    const answer = await say(client, { model: "made", options: {} });
    assert.deepEqual([answer.eval_count, answer.done_reason], [3, "length"]);
    const whole = await client.create({ model: "made-whole", ...wanted });
    assert.equal(whole.status, "success");
    await assertAnswers(client, "made-whole");
    const nothing = /^neither 'from' or 'files' was specified$/;
    await assertRefused(client.create({ model: "made-of-nothing" }), 400, nothing);
  },

  "create of a blob": async (client, { host, gguf }) => {
    const content = await readFile(gguf);
    const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    assert.equal(await upload(host, content.subarray(1), digest), 400);
    assert.equal(await upload(host, content, digest), 201);
    assert.equal(await upload(host, content, digest), 200);
    const head = await fetch(`${host}/api/blobs/${digest}`, { method: "HEAD" });
    assert.equal(head.status, 200);
    const files = { "model.gguf": digest };
    await assertSucceeds(await client.create({ model: "of-a-blob", files, stream: true }));
    await assertAnswers(client, "of-a-blob");
  },

  copy: async (client) => {
    const copy = (source, destination) => client.copy({ source, destination });
    assert.deepEqual(await copy("tiny-chat", "copied"), { status: "success" });
    await assertAnswers(client, "copied");
    await assertRefused(copy("nobody", "copied"), 404, /^model "nobody" not found$/);
    await assertRefused(copy("tiny-chat", "a b"), 400, /^destination "a b" is invalid$/);
  },

  delete: async (client) => {
    await client.copy({ source: "tiny-chat", destination: "doomed" });
    assert.ok((await names(client.list())).includes("doomed:latest"));
    assert.deepEqual(await client.delete({ model: "doomed" }), { status: "success" });
    assert.ok(!(await names(client.list())).includes("doomed:latest"));
    await assertRefused(client.delete({ model: "doomed" }), 404, /^model 'doomed' not found$/);
    await assertRefused(client.show({ model: "doomed" }), 404, /not found$/);
    assertLast(await say(client));
  },

  pull: async (client) => {
    const parts = await all(await client.pull({ model: "pulled", stream: true }));
    const statuses = parts.map((part) => part.status);
    assert.deepEqual([statuses[0], statuses.at(-1)], ["pulling manifest", "success"]);
    const ends = parts.filter((part) => part.total && part.completed === part.total);
    assert.ok(ends.length > 0 && ends.every((part) => /^sha256:[0-9a-f]{64}$/.test(part.digest)));
    await assertAnswers(client, "pulled");
    assert.equal((await client.pull({ model: "pulled" })).status, "success");
    const missing = /pull model manifest: file does not exist$/;
    await assertRefused(client.pull({ model: "nowhere" }), 500, missing);
    const stream = await client.pull({ model: "nowhere", stream: true });
    await assert.rejects(all(stream), missing);
    await assertRefused(client.pull({ model: "a b" }), 400, /^invalid model name$/);
  },

  push: async (client) => {
    await assertRefused(client.push({ model: "" }), 400, /^model is required$/);
    for (const stream of [false, true]) {
      const pushed = client.push({ model: "me/tiny-chat", stream });
      await assert.rejects(pushed.then((told) => (stream ? all(told) : told)), /./);
    }
  },
};
