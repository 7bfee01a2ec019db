import { expect, test } from "vitest";
import { complete } from "../../../src/cli/completion/complete.ts";
import type { KnownNames } from "../../../src/cli/completion/known-names.ts";
import { MANIFEST } from "../../support/commands.ts";

const ENVS: Record<string, string[]> = { api: ["prod", "staging"], web: ["live"] };
const KEYS: Record<string, string[]> = { prod: ["DATABASE_POOL", "DATABASE_URL", "SMTP"], staging: ["STAGED"] };
const NAMES: KnownNames = {
  repos: async () => Object.keys(ENVS),
  envs: async (repo = "api") => ENVS[repo] ?? [],
  keys: async (env) => (env === undefined ? Object.values(KEYS).flat() : (KEYS[env] ?? [])),
  tokens: async (_, env) => (env === "prod" ? ["api", "ci"] : []),
};

/** The line up to the cursor, without the program's name. */
async function offered(line: string): Promise<string | readonly string[]> {
  const completion = await complete(line.split(" "), MANIFEST, NAMES);
  return typeof completion === "string" ? completion : completion.map(({ word }) => word);
}

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
  ["policy --role=", ["--role=reader", "--role=operator", "--role=meter"]],
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

test("offers the command's flags, each once, with a description", async () => {
  expect(await offered("status --")).toEqual([
    "--env=",
    "--repo=",
    "--remote",
    "--passphrase-file=",
    "--json",
    "--log-level=",
    "--no-input",
    "--help",
  ]);
  expect(await offered("status --remote --env=prod --re")).toEqual(["--repo="]);
  expect(await offered("push --file=a=b --fi")).toEqual(["--file="]);
  const [first] = await complete(["status", "--js"], MANIFEST, NAMES);
  expect(first).toEqual({ word: "--json", about: "print the result as JSON" });
});

test("offers flags once every argument is given", async () => {
  expect(await offered("doctor prod ")).toContain("--json");
  expect(await offered("doctor prod x")).toEqual([]);
});
