import { cp, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Scene, Shell } from "../support/program/shell.ts";
import { readPage, sectionsOf } from "./page.ts";
import { type SetScene, setScene } from "./scenes.ts";

/**
 * Runs every example of the command reference, and so of `--help`, on a machine whose vault has five generations, the first
 * three under another passphrase.
 */
const page = await readPage("docs/cli.md");
const examples = sectionsOf("docs/cli.md", withoutUsage(page)).flatMap(({ id, steps }) =>
  steps.flatMap((step): [string, string][] => ("text" in step ? [[step.text, id]] : [])),
);
const THEN = "the passphrase of then, for all";
const NEW = "the passphrase from now on";

/** Answers to an example's questions. The other examples run without a terminal. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  "sops -d prod.enc.env | vsync push prod --from=-": ["y"],
  "sops -d secrets.yaml | vsync import prod --from=- --format=yaml --replace": ["y"],
  "vsync diff prod --from-gen=3": [THEN],
  "vsync move prod live": ["y"],
  "vsync diff prod 3 5": [THEN],
  "vsync gc prod --keep=1 --older-than=0s": ["y"],
  "sops -d prod.enc.env | vsync push prod --from=- --base=5": ["y"],
  "vsync push prod": ["y"],
  "vsync restore prod --gen=3": [THEN, "y"],
  "vsync rotate-passphrase --env=prod --grace=24h": [NEW, NEW, "y"],
  "vsync set prod DATABASE_URL": ["postgres://new@db/app"],
  "vsync unset prod OLD_TOKEN": ["y"],
  "vsync unset prod SMTP_USER SMTP_PASSWORD certs/ca.pem --note='mail moved'": ["y"],
};
/** Preparations: a Kubernetes Secret cannot have a key with a slash. */
const BEFORE: readonly (readonly [example: RegExp, args: readonly string[]])[] = [
  [/--format=k8s.*kubectl apply/, ["unset", "prod", "certs/ca.pem", "--yes"]],
  [
    /tokens ((show|explain|update|rotate|revoke) prod api|access)/,
    ["tokens", "create", "prod", "--name=api", "--out=api.token"],
  ],
  [/tokens (update prod ci|revoke prod api ci)/, ["tokens", "create", "prod", "--name=ci", "--out=ci.token"]],
  [/tokens explain prod edge/, ["tokens", "create", "prod", "--name=edge", "--out=edge.token"]],
  [/staging/, ["init", "--env=staging", "--local"]],
  [/staging/, ["push", "staging", "--from=staging.env", "--yes"]],
  [/env=base/, ["init", "--env=base", "--local"]],
  [/env=base/, ["push", "base", "--from=staging.env", "--yes"]],
  [/gateway sign dev/, ["init", "--env=dev", "--local"]],
  [/gateway sign dev/, ["push", "dev", "--from=staging.env", "--yes"]],
  [/gateway sign dev/, ["settings", "dev", "--from=vsync.settings.json"]],
  [/gateway sign dev/, ["gateway-keys", "rotate", "dev"]],
  [/gateway-keys rotate prod --backends/, ["settings", "prod", "--from=vsync.settings.json"]],
  [/--with-token/, ["tokens", "create", "prod", "--split", "--out=api.credential"]],
];
/**
 * Needs an editor, a login of its own, a day that is over, another bucket, a key or a token of before, or a signal to end: a
 * script shows the command.
 */
const IN_SCRIPTS: readonly (readonly [example: RegExp, script: string, shown: string])[] = [
  [/vsync edit /, "edit", "vsync edit prod"],
  [/^vsync unlock /, "unlock", "vsync unlock prod"],
  [/^vsync move (prod --bucket|live --finish|prod live --from)/, "move", "vsync move live --finish"],
  [/^vsync dev-core /, "gateway-keys", "vsync dev-core prod"],
  [/^vsync dev-gateway /, "gateway-keys", "vsync dev-gateway prod"],
  [/^vsync gateway-keys revoke /, "gateway-keys", "vsync gateway-keys revoke prod"],
  [/^vsync usage close /, "usage", "vsync usage close"],
  [/^vsync usage compact /, "usage", "vsync usage compact"],
  [/usage send$/, "usage", "VSYNC_CONFIG_FILE=old.token vsync usage send"],
  [/^vsync usage void /, "usage", "vsync usage void"],
];
/** The example shows another exit code than 0. */
const EXIT_CODES: Readonly<Record<string, number>> = { "vsync push prod --dry-run --exit-code": 7 };
/** The example needs an S3 bucket. */
const ON_S3 = /--bucket|AKIA|^vsync policy/;
/** The folders where shells look for completions; they exist already. */
const SHELL_FOLDERS = [".local/share/bash-completion/completions", ".zfunc", ".config/fish/completions"];
const SETTINGS = {
  backends: [{ id: "api", default: true }, { id: "eu" }],
  routes: [{ id: "jobs.create", method: "POST", path: "/v1/jobs" }],
};
const SECRETS = [
  "DATABASE_URL",
  "SESSION_SECRET",
  "PGUSER",
  "PGPASSWORD",
  "OLD_TOKEN",
  "SMTP_USER",
  "SMTP_PASSWORD",
  "LOG_LEVEL",
];

let vault: Scene & AsyncDisposable;
let bucket: SetScene;
beforeAll(async () => {
  vault = await setScene("vault");
  const token = await history(vault);
  const { VSYNC_PASSPHRASE: now = "" } = vault.env;
  const values = { "VSYNC_CONFIG=…": `VSYNC_CONFIG=${token}`, "VSYNC_PASSPHRASE=…": `VSYNC_PASSPHRASE='${now}'` };
  vault = { ...vault, values };
  await cp(vault.sandbox.folder, `${vault.sandbox.folder}-kept`, { recursive: true, verbatimSymlinks: true });
  bucket = await setScene("bucket");
});
afterAll(async () => {
  await rm(`${vault.sandbox.folder}-kept`, { recursive: true, force: true });
  await vault[Symbol.asyncDispose]();
  await bucket[Symbol.asyncDispose]();
});

test("every command has examples", async () => {
  const { commands } = JSON.parse(await readFile(join(import.meta.dirname, "../../oclif.manifest.json"), "utf8"));
  const ids = new Set(examples.map(([, id]) => id.replace("docs/cli.md#vsync-", "").replaceAll("-", ":")));
  const missing = Object.keys(commands).filter((id) => !ids.has(id.replaceAll("-", ":")));
  expect(missing.filter((id) => !commands[id].hidden)).toEqual([]);
});

describe.each(examples)("%s", (text) => {
  test("does what it says", async () => {
    const script = IN_SCRIPTS.find(([example]) => example.test(text));
    if (script !== undefined) return expectInScript(script[1], script[2]);
    const scene = ON_S3.test(text) ? bucket : vault;
    if (scene === vault) await reset();
    if (text.startsWith("vsync init")) await rm(scene.sandbox.configFolder, { recursive: true });
    for (const [example, args] of BEFORE) if (example.test(text)) await scene.sandbox.run(args, { env: scene.env });
    await using shell = new Shell(scene);
    const answers = ANSWERS[text]?.map((answer) => ({ text: answer, isHidden: false }));
    const { stdout, stderr, exitCode } = await (answers ? shell.type(text, answers) : shell.run(text));
    expect(exitCode, stdout + stderr).toBe(EXIT_CODES[text] ?? 0);
  });
});

async function expectInScript(name: string, shown: string): Promise<void> {
  expect(await readFile(join(import.meta.dirname, `../scripts/${name}.txt`), "utf8")).toContain(`$ ${shown}`);
}

/** Leaves out the usage lines, which are not commands. */
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

/** Ends with the token. */
async function history({ sandbox, env }: Scene): Promise<string> {
  const { VSYNC_PASSPHRASE: now = "" } = env;
  await sandbox.write("work/old-passphrase", THEN);
  await sandbox.write("outside/run/secrets/vsync", now);
  for (const folder of SHELL_FOLDERS) await mkdir(join(sandbox.home, folder), { recursive: true });
  for (const name of ["migrate.sh", "server"]) await sandbox.write(`work/${name}`, "#!/bin/sh\n", 0o700);
  await sandbox.write("work/staging.env", "STRIPE_KEY=of-staging\nSMTP_URL=smtp://s\nDATABASE_URL=postgres://s\n");
  await sandbox.write("work/vsync.settings.json", JSON.stringify(SETTINGS));
  await sandbox.write("work/job.json", '{"a":1}');
  await sandbox.write("work/my.env", "PORT=3000\n");
  await sandbox.write("work/secrets.json", '{"API_KEY":"of-elsewhere","PORT":8080}');
  await sandbox.write("work/device.json", '[{"projects":["project-id"]}]');
  await mkdir(join(sandbox.work, "tokens"));
  for (const name of ["app.py", "server.js"]) await sandbox.write(`work/${name}`, "");
  const must = async (args: readonly string[], with_: Readonly<Record<string, string>> = {}) => {
    const ran = await sandbox.run(args, { env: { ...env, ...with_ } });
    if (ran.exitCode !== 0) throw new Error(`vsync ${args.join(" ")}: ${ran.stderr}`);
    return ran.stdout;
  };
  const rotate = ["rotate-passphrase", "--env=prod", "--yes"];
  await must(rotate, { VSYNC_NEW_PASSPHRASE: THEN });
  const push = ["push", "prod", "--file=certs/ca.pem=./ca.pem", "--yes"];
  await must(push, { VSYNC_PASSPHRASE: THEN });
  await must(rotate, { VSYNC_PASSPHRASE: THEN, VSYNC_NEW_PASSPHRASE: now });
  await sandbox.write("work/.env.prod", SECRETS.map((name) => `${name}=a value of it\n`).join(""));
  await must(push);
  const token = await must(["runtime-token", "--env=prod"]);
  await sandbox.write("outside/etc/vsync/config", token);
  return token.trimEnd();
}
