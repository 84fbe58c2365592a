// What the client asks for and how: requests, and ways to look at the answers.

import assert from "node:assert/strict";

export const HELLO = [{ role: "user", content: "Say hello." }];
export const SHORT = { temperature: 0, num_predict: 8, seed: 1 };
export const CITIES = ["Paris", "Rome"];
export const PLACE = {
  type: "object",
  properties: { city: { type: "string", enum: CITIES } },
  required: ["city"],
};
export const WEATHER = {
  type: "function",
  function: { name: "get_weather", description: "Tell the weather.", parameters: PLACE },
};
const COUNTERS = [
  "total_duration",
  "load_duration",
  "prompt_eval_count",
  "prompt_eval_duration",
  "eval_count",
  "eval_duration",
];

/** Ask for a chat with the plain model, unless the fields say otherwise. */
export function say(client, fields = {}) {
  return client.chat({ model: "tiny-chat", messages: HELLO, options: SHORT, ...fields });
}

/** Return all parts of a stream. */
export async function all(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

/** Make sure that this is the last object of an answer, with all that it must tell. */
export function assertLast(answer) {
  assert.equal(answer.done, true);
  assert.ok(["stop", "length"].includes(answer.done_reason), answer.done_reason);
  for (const name of COUNTERS) assert.ok(answer[name] > 0, `${name}: ${answer[name]}`);
  assert.ok(!Number.isNaN(Date.parse(answer.created_at)));
}

/** Make sure that a request is refused with this status and these words. */
export async function assertRefused(promise, status, words) {
  const error = await promise.then(() => assert.fail("it was answered"), (why) => why);
  assert.equal(error.name, "ResponseError", error.stack);
  assert.match(error.error, words);
  assert.equal(error.status_code, status);
}

/** Return the names of what is loaded, or listed. */
export async function names(listing) {
  return (await listing).models.map((model) => model.model);
}
