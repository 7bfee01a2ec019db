/** @module-tag process */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { VsyncError } from "../../src/errors.ts";
import { expectTable } from "../support/page-table.ts";
import { type Machine, machineOn } from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";
import { openVaultHome } from "../support/program/vault-home.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";
import { HOUR_MS, World } from "../support/world.ts";

/* The table of docs/s3.md about a store that changes after `init`. UPDATE_MATRIX=1 writes the rows into the page. */

const seen = new Map<string, string>();
let server: StrictS3;
let machine: Machine;
beforeAll(async () => {
  server = await startStrictS3();
  machine = await machineOn(server);
});
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  await server.close();
});
beforeEach(() => server.faults.clear());

function ended({ exitCode, stderr }: Transcript): string {
  const [, words = ""] = /error: (.*)/.exec(stderr) ?? [];
  return exitCode === 0 ? "works" : `exit code ${exitCode}: \`${words.replace(/127\.0\.0\.1:\d{2,}/g, "<host>")}\``;
}

const GET = ["get", "prod", "DATABASE_URL"];
const PUSH = ["push", "prod", "--from=-", "--yes"];
const input = "DATABASE_URL=other\n";

describe("of the program", () => {
  test("before the first push", async () => {
    await using fresh = await openVaultHome();
    const run = async (line: string) => {
      const transcript = await fresh.run(line.split(" "), { stdin: "" });
      return ended({ ...transcript, stderr: transcript.stderr.replace(fresh.vaultFolder, "<folder>") });
    };
    seen.set("nothing was pushed yet: `get`", await run("get prod A"));
    seen.set("a first push of an empty file", await run("push prod --from=- --yes"));
    seen.set("the same with `--allow-empty`", await run("push prod --from=- --yes --allow-empty"));
  });

  const html = { status: 200, body: "<html>Sign in</html>", headers: { "Content-Type": "text/html" } };
  const kms = "<Error><Code>AccessDenied</Code><Message>not authorized to perform: kms:Decrypt</Message></Error>";
  test.each([
    ["a sign-in page answers", html],
    ["the key may no longer use the bucket's KMS key", { status: 403, body: kms }],
    ["a gateway answers in place of a store that is down", { ...html, status: 502 }],
  ])("%s", async (when, answer) => {
    for (const [name, words] of Object.entries({ get: GET, push: PUSH })) {
      server.faults.clear();
      server.faults.add({}, { kind: "answer", apply: false, ...answer }, 1000);
      seen.set(`${when}: \`${name}\``, ended(await machine.run(words, { stdin: input })));
    }
  });

  test("a bucket with a KMS key of its owner", async () => {
    const key = "arn:aws:kms:us-east-1:111122223333:key/a1b2";
    const { stdout } = await machine.run(["policy", "prod", "--role=operator", `--kms-key=${key}`]);
    const actions = [...new Set(stdout.match(/kms:[A-Z]\w+/g))].map((it) => `\`${it}\``);
    seen.set("`policy --role=operator --kms-key=<arn>`", `adds ${actions.join(", ")}`);
  });

  test("the manifest is gone", async () => {
    const token = (await machine.run(["runtime-token", "prod", "--no-validate"])).stdout.trim();
    const bytes = (await machine.store.get("manifest", { maxBytes: 100_000 }))?.bytes ?? new Uint8Array();
    await machine.store.delete("manifest");
    const commands = [
      "get prod A",
      "push prod --from=- --yes",
      "set prod A --generate",
      "history prod",
      "run prod -- true",
    ];
    commands.push("rotate-passphrase prod --yes --generate", "restore prod --gen=1 --yes", "status prod --remote");
    const ends = new Set<string>();
    for (const line of commands) ends.add(ended(await machine.run(line.split(" "), { stdin: input })));
    expect([...ends]).toHaveLength(1);
    const env = { VSYNC_CONFIG: token, VSYNC_REPO: undefined };
    const withToken = ended(await machine.run(["get", "DATABASE_URL"], { env }));
    expect(withToken.split(":")[0]).toBe([...ends].join().split(":")[0]);
    const names = commands.map((line) => `\`${line.replace(/ prod.*/, "")}\``).join(", ");
    seen.set(`the manifest is gone: ${names}`, [...ends].join());
    seen.set("the same with a token: `get`", withToken);
    await machine.store.create("manifest", bytes);
    expect(ended(await machine.run(GET))).toBe("works");
  });
});

/** The outcome of a command if a colleague's whole command runs just before its first request of a kind. */
async function met(act: (it: World) => Promise<unknown>, at: RegExp, other: (it: World) => Promise<unknown>) {
  const world = await World.pushed();
  for (const value of ["2", "3"]) {
    world.clock.ms += HOUR_MS;
    await world.push({ A: value });
  }
  const slow = world.peer();
  let isMet = false;
  slow.store.faults = {
    async before({ operation, key }) {
      if (isMet || !at.test(`${operation} ${key}`)) return;
      isMet = true;
      await other(world.peer());
    },
  };
  const error: unknown = await act(slow).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(isMet).toBe(true);
  if (error === null) return "works";
  expect(error).toBeInstanceOf(VsyncError);
  return `refused: \`${(error as VsyncError).message}\``;
}

const gc = (it: World) => it.gc({ keep: 1 });
async function pushAndGc(it: World): Promise<void> {
  it.clock.ms += HOUR_MS;
  await it.push({ A: "4" });
  await gc(it);
}

describe("of several people at once", () => {
  test.each<[string, (it: World) => Promise<unknown>, RegExp, (it: World) => Promise<unknown>]>([
    ["a push and a `gc` between a reader's two requests", (it) => it.secrets(), /^get v=/, pushAndGc],
    ["a `gc` before `restore` reads its generation", (it) => it.restore(1), /^get v=20260101T00/, gc],
    ["a `gc` before `restore` writes", (it) => it.restore(1), /^create v=/, gc],
    ["a `gc` before a push writes its manifest", (it) => it.push({ A: "5" }), /^replace manifest/, gc],
    ["a push before `gc` writes its manifest", gc, /^replace manifest/, (it) => it.push({ A: "5" })],
    ["a second `gc` before the first removes", gc, /^delete /, gc],
  ])("%s", async (when, act, at, other) => {
    seen.set(when, await met(act, at, other));
  });
});

test("docs/s3.md has these rows", () => expectTable("command matrix", ["when", "what happens"], seen));
