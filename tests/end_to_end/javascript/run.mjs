// Runs every case of a file against the program, each with a client of its own, and prints
// as JSON what became of it: null if it passed, else why not.
//
// Arguments: the file with the cases, and what they are to know as JSON (`host` at least).

import { pathToFileURL } from "node:url";
import { Ollama } from "ollama";

const LIMIT_MS = 60_000;

// The client tells on the console what it does; our answer must be all that stands there.
console.log = console.error;

async function outcome(test, known) {
  const client = new Ollama({ host: known.host });
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("it took too long")), LIMIT_MS);
  });
  try {
    await Promise.race([test(client, known), tooLate]);
    return null;
  } catch (error) {
    return error.stack ?? String(error);
  } finally {
    clearTimeout(timer);
    client.abort();
  }
}

const [file, json] = process.argv.slice(2);
const known = JSON.parse(json);
const { cases } = await import(pathToFileURL(file));
const outcomes = {};
for (const [name, test] of Object.entries(cases)) {
  outcomes[name] = await outcome(test, known);
}
process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
