// Each method of the client that needs no change of the models: name of the case -> the test.

import assert from "node:assert/strict";
import {
  all, assertLast, assertRefused, CITIES, HELLO, names, PLACE, say, SHORT, WEATHER,
} from "./asking.mjs";

export const cases = {
  async "chat whole"(client) {
    const answer = await say(client);
    assertLast(answer);
    assert.equal(answer.model, "tiny-chat");
    assert.equal(answer.message.role, "assistant");
    assert.ok(answer.message.content);
  },

  async "chat streamed"(client) {
    const whole = await say(client);
    const parts = await all(await say(client, { stream: true }));
    const last = parts.at(-1);
    assertLast(last);
    assert.ok(parts.length > 3);
    assert.ok(parts.every((part) => part.message.role === "assistant"));
    assert.equal(parts.map((part) => part.message.content).join(""), whole.message.content);
    assert.equal(last.eval_count, whole.eval_count);
    assert.ok(parts.slice(0, -1).every((part) => part.done === false));
  },

  async "chat thinks"(client) {
    const asked = { model: "tiny-thinker" };
    assert.ok((await say(client, { ...asked, think: true })).message.thinking);
    assert.equal((await say(client, { ...asked, think: false })).message.thinking, undefined);
    const parts = await all(await say(client, { ...asked, think: "low", stream: true }));
    assert.ok(parts.some((part) => part.message.thinking));
    const refused = /"tiny-chat" does not support thinking/;
    await assertRefused(say(client, { think: true }), 400, refused);
  },

  async "chat calls a tool"(client) {
    const options = { ...SHORT, num_predict: 200 };
    const asked = { model: "caller", tools: [WEATHER], options };
    const whole = await say(client, asked);
    const parts = await all(await say(client, { ...asked, stream: true }));
    for (const answers of [[whole], parts]) {
      const calls = answers.flatMap((answer) => answer.message.tool_calls ?? []);
      assert.equal(calls.length, 1);
      assert.equal(calls[0].function.name, "get_weather");
      assert.ok(CITIES.includes(calls[0].function.arguments.city));
    }
    const called = { role: "assistant", content: "", tool_calls: whole.message.tool_calls };
    const result = { role: "tool", tool_name: "get_weather", content: "It rains." };
    const messages = [...HELLO, called, result];
    assertLast(await say(client, { model: "tiny-thinker", messages, tools: [WEATHER] }));
    await assertRefused(say(client, { tools: [WEATHER] }), 400, /does not support tools$/);
    assertLast(await say(client, { model: "tiny-thinker", tools: [{ type: "function" }] }));
  },

  async "chat keeps a format"(client) {
    const options = { ...SHORT, num_predict: 60 };
    const answer = await say(client, { format: PLACE, options });
    assert.ok(CITIES.includes(JSON.parse(answer.message.content).city));
    const json = await say(client, { format: "json", options });
    assert.match(json.message.content.trimStart(), /^[{[]/);
    // The engine would take all memory for this one.
    const impossible = { type: "string", minLength: 5, maxLength: 4 };
    await assertRefused(say(client, { format: impossible }), 400, /^'format': expected a minLength/);
  },

  async "chat sees"(client, { red, blue }) {
    const seen = async (image) => {
      const messages = [{ role: "user", content: "What is this?", images: [image] }];
      const answer = await say(client, { model: "tiny-seer", messages });
      assertLast(answer);
      return answer.message.content;
    };
    const colour = await seen(red);
    // The client makes base64 of bytes by itself.
    assert.equal(await seen(Buffer.from(red, "base64")), colour);
    assert.notEqual(await seen(blue), colour);
    const blind = [{ role: "user", content: "What is this?", images: [red] }];
    await assertRefused(say(client, { messages: blind }), 500, /^image input is not supported/);
  },

  async "chat tells log probabilities"(client) {
    const answer = await say(client, { logprobs: true, top_logprobs: 2 });
    assert.equal(answer.logprobs.length, answer.eval_count);
    for (const one of answer.logprobs) {
      assert.ok(one.logprob <= 0);
      assert.equal(one.top_logprobs.length, 2);
    }
  },

  async "generate whole and streamed"(client) {
    const asked = { model: "tiny-chat", prompt: "Hello", system: "Be kind.", options: SHORT };
    const whole = await client.generate({ ...asked });
    assertLast(whole);
    assert.ok(whole.response && whole.context.length > 0);
    const parts = await all(await client.generate({ ...asked, stream: true }));
    assertLast(parts.at(-1));
    assert.equal(parts.map((part) => part.response).join(""), whole.response);
    assert.deepEqual(parts.at(-1).context, whole.context);
    const next = await client.generate({ ...asked, context: whole.context });
    assert.ok(next.prompt_eval_count > whole.prompt_eval_count);
  },

  async "generate raw, with a format, and with an image"(client, { red }) {
    const asked = { model: "tiny-chat", prompt: "one, two,", options: SHORT };
    const raw = await client.generate({ ...asked, raw: true });
    assert.ok(raw.response && raw.context === undefined);
    const options = { ...SHORT, num_predict: 60 };
    const place = await client.generate({ ...asked, format: PLACE, options });
    assert.ok(CITIES.includes(JSON.parse(place.response).city));
    const seen = await client.generate({ ...asked, model: "tiny-seer", images: [red] });
    assert.ok(seen.response);
    const refused = /tiny-chat:latest does not support insert$/;
    await assertRefused(client.generate({ ...asked, suffix: "x" }), 400, refused);
  },

  async "embed"(client) {
    const model = "tiny-embedder";
    const one = await client.embed({ model, input: "hello" });
    const many = await client.embed({ model, input: ["hello", "world"], truncate: true });
    assert.equal(many.model, model);
    assert.equal(many.embeddings.length, 2);
    assert.ok(many.prompt_eval_count >= 2 && many.total_duration >= many.load_duration);
    many.embeddings[0].forEach((number, place) => {
      assert.ok(Math.abs(number - one.embeddings[0][place]) < 1e-5);
    });
    assert.ok(Math.abs(Math.hypot(...many.embeddings[1]) - 1) < 1e-4);
    const cut = await client.embed({ model, input: "hello", dimensions: 2 });
    assert.equal(cut.embeddings[0].length, 2);
    await assertRefused(client.embed({ model: "tiny-chat", input: "hello" }), 501, /./);
    const unknown = /^model "nobody" not found, try pulling it first$/;
    await assertRefused(client.embed({ model: "nobody", input: "hello" }), 404, unknown);
  },

  async "embeddings"(client) {
    const model = "tiny-embedder";
    const { embedding } = await client.embeddings({ model, prompt: "hello" });
    const { embeddings } = await client.embed({ model, input: "hello" });
    assert.equal(embedding.length, embeddings[0].length);
  },

  async "list"(client) {
    const { models } = await client.list();
    const listed = ["caller", "tiny-chat", "tiny-embedder", "tiny-seer", "tiny-thinker"];
    assert.deepEqual(models.map((model) => model.name).sort(), listed.map((n) => `${n}:latest`));
    for (const model of models) {
      assert.equal(model.name, model.model);
      assert.match(model.digest, /^[0-9a-f]{64}$/);
      assert.ok(model.size > 1000);
      assert.ok(!Number.isNaN(Date.parse(model.modified_at)));
      assert.equal(model.details.format, "gguf");
    }
  },

  async "show"(client) {
    const shown = await client.show({ model: "tiny-thinker" });
    assert.deepEqual(shown.capabilities, ["completion", "tools", "thinking"]);
    assert.equal(shown.model_info["general.architecture"], "llama");
    assert.ok(shown.model_info["llama.context_length"] > 0);
    assert.ok(shown.template && shown.modelfile);
    const seer = await client.show({ model: "tiny-seer" });
    assert.deepEqual(seer.capabilities, ["completion", "vision"]);
    await assertRefused(client.show({ model: "nobody" }), 404, /^model 'nobody:latest' not found$/);
  },

  async "version"(client) {
    assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/);
  },

  async "ps, load and unload"(client) {
    const model = "tiny-seer";
    const loaded = await client.generate({ model, prompt: "", keep_alive: "1h" });
    assert.equal(loaded.done_reason, "load");
    const { models } = await client.ps();
    const mine = models.find((one) => one.name === `${model}:latest`);
    assert.ok(mine.size > 0 && mine.size_vram <= mine.size && mine.context_length > 0);
    const stays = Date.parse(mine.expires_at) - Date.now();
    assert.ok(stays > 3_500_000 && stays <= 3_600_000, `${stays}`);
    const gone = await client.chat({ model, messages: [], keep_alive: 0 });
    assert.equal(gone.done_reason, "unload");
    while ((await names(client.ps())).includes(`${model}:latest`));
  },

  async "abort one stream"(client) {
    const stream = await say(client, { stream: true, options: { num_predict: -1 } });
    await assert.rejects(async () => {
      for await (const part of stream) {
        assert.equal(part.done, false);
        stream.abort();
      }
    }, { name: "AbortError" });
    assertLast(await say(client));
  },

  async "abort all streams"(client) {
    const endless = { stream: true, options: { num_predict: -1 } };
    const streams = await Promise.all([say(client, endless), say(client, endless)]);
    const reading = streams.map((stream) => assert.rejects(all(stream), { name: "AbortError" }));
    client.abort();
    await Promise.all(reading);
    assertLast(await say(client));
  },

  async "an unknown model"(client) {
    const unknown = /^model 'nobody' not found$/;
    await assertRefused(say(client, { model: "nobody" }), 404, unknown);
    await assertRefused(say(client, { model: "nobody", stream: true }), 404, unknown);
  },

  async "a wrong option"(client) {
    const words = /^option "temperature" must be of type float32$/;
    await assertRefused(say(client, { options: { temperature: "hot" } }), 500, words);
  },
};
