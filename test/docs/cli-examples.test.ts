import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Command, readPage, sectionsOf } from "./page.ts";
import { type SetScene, setScene } from "./scenes.ts";
import { runSteps, unstaged } from "./shell.ts";

/**
 * Every example of the command reference, and so of `--help`, is run on its own: on a machine whose vault has five
 * generations, the first three under another passphrase.
 */
const page = await readPage("docs/cli.md");
const examples = sectionsOf("docs/cli.md", withoutUsage(page)).flatMap(({ id, steps }) =>
  steps.flatMap((step): [string, Command, string][] => ("text" in step ? [[step.text, step, id]] : [])),
);
const THEN = "the passphrase of then, for all";

let vault: SetScene;
let bucket: SetScene;
beforeAll(async () => {
  vault = await setScene("vault");
  await history(vault);
  await cp(vault.sandbox.folder, `${vault.sandbox.folder}-kept`, { recursive: true, verbatimSymlinks: true });
  bucket = await setScene("bucket");
});
afterAll(async () => {
  await rm(`${vault.sandbox.folder}-kept`, { recursive: true, force: true });
  await vault[Symbol.asyncDispose]();
  await bucket[Symbol.asyncDispose]();
});

test("there are examples for every command", async () => {
  const { commands } = JSON.parse(await readFile(join(import.meta.dirname, "../../oclif.manifest.json"), "utf8"));
  const ids = new Set(examples.map(([, , id]) => id.replace("docs/cli.md#vsync-", "").replaceAll("-", ":")));
  const missing = Object.keys(commands).filter((id) => !ids.has(id.replaceAll("-", ":")));
  expect(missing.filter((id) => !commands[id].hidden)).toEqual([]);
});

describe.each(examples)("%s", (text, command, _id) => {
  test("does what it says", async () => {
    const scene = text.includes("--bucket") ? bucket : vault;
    if (scene === vault) await reset();
    const [ran] = await runSteps(scene, [command]);
    expect(ran?.exitCode, unstaged(ran?.output ?? "", scene)).toBe(0);
  });
});

/** The usage lines are no commands. */
function withoutUsage(markdown: string): string {
  const sections = markdown.split(/^(?=## )/m);
  const onlyExamples = sections.map((section) => {
    const [heading = ""] = section.split("\n");
    return `${heading}\n${section.split("**Examples**")[1] ?? ""}`;
  });
  return onlyExamples.join("\n");
}

async function reset(): Promise<void> {
  const { folder } = vault.sandbox;
  for (const name of ["home", "work", "outside"]) {
    await rm(join(folder, name), { recursive: true, force: true });
    await cp(join(`${folder}-kept`, name), join(folder, name), { recursive: true, verbatimSymlinks: true });
  }
}

async function history({ sandbox, env }: SetScene): Promise<void> {
  const { VSYNC_PASSPHRASE: now = "" } = env;
  await sandbox.write("work/old-passphrase", THEN);
  await sandbox.write("outside/run/secrets/vsync", now);
  await sandbox.write("work/app.py", "");
  const must = async (args: readonly string[], with_: Readonly<Record<string, string>> = {}) => {
    const ran = await sandbox.run(args, { env: { ...env, ...with_ } });
    if (ran.exitCode !== 0) throw new Error(`vsync ${args.join(" ")}: ${ran.stderr}`);
    return ran.stdout;
  };
  const rotate = ["rotate-passphrase", "--env=prod", "--yes"];
  await must(rotate, { VSYNC_NEW_PASSPHRASE: THEN });
  await must(["push", "prod", "--file=certs/ca.pem=./ca.pem"], { VSYNC_PASSPHRASE: THEN });
  await must(rotate, { VSYNC_PASSPHRASE: THEN, VSYNC_NEW_PASSPHRASE: now });
  await sandbox.write("work/.env.prod", "DATABASE_URL=postgres://app@db/app\nSESSION_SECRET=9f2c\nOLD_KEY=1\n");
  await must(["push", "prod", "--file=certs/ca.pem=./ca.pem"]);
  await sandbox.write("outside/etc/vsync/config", await must(["runtime-token", "--env=prod"]));
}
