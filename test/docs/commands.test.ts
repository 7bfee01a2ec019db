import { createHash } from "node:crypto";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Command, isShown } from "../support/program/commands.ts";
import { OLD } from "../support/program/machine.ts";
import { type Ran, type Scene, unstaged } from "../support/program/shell.ts";
import { HARMFUL } from "../support/writers.ts";
import { pages, ROOT, readPage, type Section, sectionsOf } from "./page.ts";
import { runSteps, type SetScene, type Start, setScene, standInCalls, UNTOLD } from "./scenes.ts";

/**
 * Runs every command line of the pages, section by section, against a real vault, and compares the output with the page.
 * Stand-ins replace other tools (kubectl, aws, …): the tests check the shape of their lines and that an app boots from
 * their input (stand-ins.ts). Absolute paths outside the home are in the sandbox.
 */
const STARTS: Readonly<Record<string, Start>> = {
  "README.md": "fresh",
  "docs/air-gapped.md#a-machine-on-its-own": "fresh",
  "docs/air-gapped.md#a-token-without-a-look-at-the-store": "fresh",
  "docs/iam-key.md": "bucket",
  "docs/library.md": "app",
  "docs/s3.md": "bucket",
};

/** Accidents of a vault with two generations and a backup at `/srv/backup`. */
const ACCIDENTS: Readonly<Record<string, (folder: string, scene: Scene) => Promise<void>>> = {
  "docs/operations.md#the-manifest-is-gone": (folder) => rm(join(folder, "manifest")),
  "docs/operations.md#an-older-manifest-was-put-back": async (folder, { sandbox }) => {
    await cp(join(sandbox.folder, "first-manifest"), join(folder, "manifest"));
  },
  "docs/operations.md#a-bundle-is-damaged-or-gone": async (folder) => {
    const bundles = (await readdir(folder)).filter((name) => name.startsWith("v=")).toSorted();
    const newest = join(folder, bundles.at(-1) ?? "");
    const bytes = await readFile(newest);
    await writeFile(newest, bytes.toReversed());
  },
  // A token that may report usage, and has reported none.
  "docs/metering.md#adding-up": async (_folder, { sandbox, env }) => {
    await sandbox.run(["tokens", "create", "prod", "--name=api", "--no-secrets", "--expires=90d", "--out=t"], { env });
  },
  "docs/operations.md#the-audit-chain-is-broken": (folder) => rm(join(folder, "audit/000000000001")),
};

/** Pages that show everything in their vault, or create it. Every other vault holds more than its page mentions. */
const SHOW_ALL = [
  "README.md",
  "docs/air-gapped.md",
  "docs/library.md",
  "docs/migrating.md",
  "docs/operations.md#starting-again",
];

/** The folder of a release, with shell scripts in place of binaries. */
async function release({ sandbox }: Scene): Promise<Record<string, string>> {
  const platforms = ["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl", "darwin-x64", "darwin-arm64"];
  const binary = "#!/bin/sh\necho vsync/0.1.0\n";
  const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
  const names = platforms.map((platform) => `vsync-0.1.0-${platform}`);
  const sums = names.map((name) => `${digest(binary)}  ${name}\n`).join("");
  for (const name of names) await sandbox.write(`work/${name}`, binary);
  await sandbox.write("work/SHA256SUMS", sums);
  await cp(join(ROOT, "scripts/release/install.sh"), join(sandbox.work, "install.sh"));
  return { SUMS: digest(sums) };
}

const startOf = ({ id }: Section): Start => STARTS[id] ?? STARTS[id.replace(/#.*/, "")] ?? "vault";

const written = (await pages()).filter((path) => path !== "docs/cli.md");
const texts = await Promise.all(written.map(async (path) => sectionsOf(path, await readPage(path))));
const sections = texts.flat().map((section): [string, Section] => [section.id, section]);

test("the pages have commands", () => {
  expect(sections.length).toBeGreaterThan(10);
});

describe.each(sections)("%s", (_id, section) => {
  test("its command lines do what it says", async () => {
    const holdsMore = !SHOW_ALL.some((page) => section.id.startsWith(page));
    await using scene = await setScene(startOf(section), holdsMore);
    const happens = ACCIDENTS[section.id];
    if (happens) await happens(await backedUp(scene), scene);
    const given = section.id === "docs/install.md#the-binary" ? await release(scene) : {};
    const ran = await runSteps({ ...scene, env: { ...scene.env, ...given } }, section.steps);
    for (const it of ran) expectAsShown(it, scene);
    await expectBoots(scene);
    if (MOVED_FROM.includes(section.id)) await expectMoved(scene);
    if (startOf(section) !== "fresh" && holdsMore) await expectUntold(scene, RENAMED[section.id] ?? "prod");
  });
});

/** The new name in sections that rename the env prod. */
const RENAMED: Readonly<Record<string, string>> = {
  "docs/operations.md#an-env-gets-another-name-prefix-or-bucket": "live",
};

/** The tools of these sections print values that are easily damaged. */
const MOVED_FROM = ["sops", "chamber", "doppler-heroku-vercel", "kubernetes-docker"].map(
  (tools) => `docs/migrating.md#from-${tools}`,
);

async function expectMoved({ sandbox, env }: SetScene): Promise<void> {
  const { stdout } = await sandbox.run(["export", "prod", "--format=json"], { env });
  expect(JSON.parse(stdout)).toMatchObject(HARMFUL);
}

/** Checks that the page has removed nothing that it does not mention. */
async function expectUntold({ sandbox, env }: SetScene, name: string): Promise<void> {
  const rotated = await readFile(join(sandbox.work, "new-passphrase"), "utf8").catch(() => null);
  for (const VSYNC_PASSPHRASE of [rotated, OLD].filter((it) => it !== null)) {
    const got = await sandbox.run(["get", name, UNTOLD.name, "--raw"], { env: { ...env, VSYNC_PASSPHRASE } });
    if (got.stderr.includes("wrong passphrase")) continue;
    expect(got).toEqual({ stdout: UNTOLD.data, stderr: "", exitCode: 0 });
    return;
  }
  expect.unreachable("no passphrase of the page opens the vault");
}

/** Pushes once more and copies the vault. Returns its folder. */
async function backedUp({ sandbox, env }: SetScene): Promise<string> {
  const folder = join(sandbox.home, ".local/share/vsync/vaults/api/prod");
  await cp(join(folder, "manifest"), join(sandbox.folder, "first-manifest"));
  const pushed = await sandbox.run(["push", "prod", "--yes"], { env });
  expect(pushed.exitCode, pushed.stderr).toBe(0);
  await cp(folder, join(sandbox.folder, "outside/srv/backup/vaults/api/prod"), { recursive: true });
  return folder;
}

function expectAsShown({ command, stdout, exitCode }: Ran & { command: Command }, scene: SetScene): void {
  const said = unstaged(stdout, scene);
  expect(exitCode, `line ${command.line}: ${command.text}\n${said.join("\n")}`).toBe(command.exitCode);
  if (command.output === null || isShown(command.output, said)) return;
  expect(said, `line ${command.line}: ${command.text}`).toEqual(command.output);
}

/** An app boots from the values that each platform received, and no argument contained them. */
async function expectBoots(scene: SetScene): Promise<void> {
  const platforms = new Map<string, Record<string, string>>();
  const calls = await standInCalls(scene);
  for (const { tool, kept } of calls) platforms.set(tool, { ...platforms.get(tool), ...kept });
  for (const [tool, env] of platforms) {
    const values = Object.values(env);
    for (const { args } of calls) for (const value of values) expect(args.join(" ")).not.toContain(value);
    if (values.length < 2) continue;
    const args = ["run", "--", "sh", "-c", 'test -n "$DATABASE_URL" && echo it boots'];
    const booted = await scene.sandbox.run(args, { env });
    expect(booted, `from what ${tool} was handed`).toMatchObject({ stdout: "it boots\n", exitCode: 0 });
  }
}
