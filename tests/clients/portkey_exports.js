// The same walk as in portkey_exports.py, with the same variables and output.
"use strict";

const { Portkey } = require("portkey-ai");

// Longer than the walk takes; shorter than the patience of whoever waits for a hung one.
const DEADLINE_MS = 60_000;

async function walk(exports) {
  const filters = { status_code: "200", metadata: { env: "prod" }, page_size: 10 };
  const seen = {};
  seen.create = await exports.create({ filters, requestedData: ["id"], description: "mine" });
  const exportId = seen.create.id;
  seen.update = await exports.update({ exportId, filters, requestedData: ["id", "request", "cost"] });
  seen.retrieve = await exports.retrieve({ exportId });
  seen.list = await exports.list({});
  seen.start = await exports.start({ exportId });
  do {
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen.done = await exports.retrieve({ exportId });
  } while (seen.done.status === "in_progress");
  return seen;
}

async function main() {
  setTimeout(() => process.exit(2), DEADLINE_MS).unref();
  const client = new Portkey({ apiKey: process.env.TURNPIKE_API_KEY, baseURL: process.env.TURNPIKE_BASE_URL });
  const seen = await walk(client.logs.exports);
  seen.download = await client.logs.exports.download({ exportId: seen.create.id });
  // A server that was given any free port does not know of it in its links.
  const { pathname, search } = new URL(seen.download.signed_url);
  const file = await (await fetch(new URL(pathname + search, process.env.TURNPIKE_BASE_URL))).text();
  seen.lines = file.trimEnd().split("\n").map((line) => JSON.parse(line));
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
