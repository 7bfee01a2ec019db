import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { complete } from "../../src/cli/completion/complete.ts";
import type { KnownNames } from "../../src/cli/completion/known-names.ts";
import { loadersOf } from "../../src/cli/program/command-table.ts";
import { makeManifest } from "../../src/cli/program/oclif-manifest.ts";
import { COMMANDS } from "../../src/commands.ts";

const pjson = JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "package.json"), "utf8"));
const manifest = await makeManifest(pjson, COMMANDS);

const ENVS: Record<string, string[]> = { api: ["prod", "staging"], web: ["live"] };
const KEYS: Record<string, string[]> = { prod: ["DATABASE_POOL", "DATABASE_URL", "SMTP"], staging: ["STAGED"] };
const NAMES: KnownNames = {
  repos: async () => Object.keys(ENVS),
  envs: async (repo = "api") => ENVS[repo] ?? [],
  keys: async (env) => (env === undefined ? Object.values(KEYS).flat() : (KEYS[env] ?? [])),
};

/** The line up to the cursor, without the program's name. */
async function offered(line: string): Promise<string | readonly string[]> {
  const completion = await complete(line.split(" "), manifest, NAMES);
  return typeof completion === "string" ? completion : completion.map(({ word }) => word);
}

describe("what may stand at the cursor", () => {
  test.each([
    ["pu", ["pull", "push"]],
    ["help pol", ["policy"]],
    ["--v", ["--version"]],
    ["nonsense ", []],
    ["push ", ["prod", "staging"]],
    ["push s", ["staging"]],
    ["push --repo=web ", ["live"]],
    ["push --env=p", ["--env=prod"]],
    ["push --env ", ["prod", "staging"]],
    ["push --env=prod --fi", ["--file="]],
    ["push --repo=", ["--repo=api", "--repo=web"]],
    ["push --from=", "files"],
    ["push --from ", "files"],
    ["push --file=", []],
    ["push --file=ca.pem=", "files"],
    ["push --note=", []],
    ["pull --files-dir=", "folders"],
    ["policy --role=", ["--role=reader", "--role=operator"]],
    ["policy --role op", ["operator"]],
    ["audit ", ["reconcile", "verify", "prod", "staging"]],
    ["audit verify ", ["prod", "staging"]],
    ["audit prod ver", []],
    ["get prod DATABASE_", ["DATABASE_POOL", "DATABASE_URL"]],
    ["get --env=staging ", ["STAGED"]],
    ["unset prod SMTP DATABASE_", ["DATABASE_POOL", "DATABASE_URL"]],
    ["unset prod SMTP S", []],
    ["run prod --only=D", ["--only=DATABASE_POOL", "--only=DATABASE_URL"]],
    ["run prod --only=SMTP,DATABASE_U", ["--only=SMTP,DATABASE_URL"]],
    ["run prod --only=SMTP,S", []],
    ["run prod -- ", "programs"],
    ["run prod -- node ", "files"],
    ["run prod -- node --", "files"],
    ["completion ", ["bash", "zsh", "fish"]],
  ])("%s", async (line, words) => {
    expect(await offered(line)).toEqual(words);
  });

  test("the flags of the command, each once, with what they are about", async () => {
    expect(await offered("status --")).toEqual([
      "--env=",
      "--repo=",
      "--remote",
      "--passphrase-file=",
      "--json",
      "--log-level=",
      "--help",
    ]);
    expect(await offered("status --remote --env=prod --re")).toEqual(["--repo="]);
    expect(await offered("push --file=a=b --fi")).toEqual(["--file="]);
    const [first] = await complete(["status", "--js"], manifest, NAMES);
    expect(first).toEqual({ word: "--json", about: "print the result as JSON" });
  });

  test("flags too where nothing else can stand", async () => {
    expect(await offered("doctor prod ")).toContain("--json");
    expect(await offered("doctor prod x")).toEqual([]);
  });

  test.each(Object.keys(loadersOf(COMMANDS)))("every flag of %s that is offered is one of its own", async (id) => {
    const words = await offered(`${id.replace(":", " ")} --`);
    const flags = Object.keys(manifest.commands[id]!.flags);
    expect(words.length).toBe(flags.length + 1);
    for (const flag of flags) expect(words).toContainEqual(expect.stringMatching(`^--${flag}=?$`));
  });
});
