// Reads the served file as a Node service does, once for each line on standard input, until there are no more.
// Prints a JSON object a line: what the connection opened first sees ("held") and what a new one does ("fresh").
import { createInterface } from "node:readline";
import { DuckDBInstance } from "@duckdb/node-api";

const [, , file, query] = process.argv;

async function open() {
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  await connection.run("set enable_external_access = false; set lock_configuration = true");
  return { instance, connection };
}

async function ask({ connection }) {
  const answer = await connection.runAndReadAll(query);
  return answer.getRows()[0].map(Number);
}

const held = await open();
for await (const _ of createInterface({ input: process.stdin })) {
  const fresh = await open();
  console.log(JSON.stringify({ held: await ask(held), fresh: await ask(fresh) }));
  fresh.connection.closeSync();
  fresh.instance.closeSync();
}
