import { readFile, stat, symlink } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { passphrasesIn } from "../support/passphrases.ts";
import { type Machine, machineOnDisk, NEW, OLD } from "../support/program/machine.ts";
import type { Transcript } from "../support/program/sandbox.ts";

let machine: Machine;
beforeEach(async () => {
  machine = await machineOnDisk();
});
afterEach(() => machine[Symbol.asyncDispose]());

const NAMES = { "<instant>": /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<ts>": /\d{8}T\d{9}Z/g };
const tidy = (transcript: Transcript): Transcript => machine.sandbox.tidy(transcript, NAMES);

const DONE = `✓ Bundle re-encrypted with new passphrase (gen=1 → gen=2)
✓ Manifest pointer updated atomically (ETag-conditional)
✓ Audit log entry written
`;
const OLD_BUNDLES =
  "the bundles up to gen=1 still open with the old passphrase; vsync gc --env=prod --keep=1 --older-than=0s removes them\n";
const RACE_WARNING =
  "vsync: warning: until both are done, an app in prod that starts with the old passphrase cannot open the vault " +
  "(WrongPassphraseError); next time, --grace=24h leaves no such window\n";

function nextSteps(value = "the new passphrase"): string {
  return `next: 1. set VSYNC_PASSPHRASE of prod in your secret store, or its file, to ${value}
      2. roll-restart the apps in prod
`;
}

describe("0: rotated", () => {
  test("unattended: the three lines, the next steps, the race window", async () => {
    const transcript = tidy(await machine.rotate());
    const stderr = DONE + nextSteps() + RACE_WARNING + OLD_BUNDLES;
    expect(transcript).toEqual({ stdout: "", stderr, exitCode: 0 });
    expect(await machine.sight(OLD)).toBe("WrongPassphraseError");
    expect(await machine.sight(NEW)).toBe("writes");
    expect(await machine.chain(NEW)).toEqual({ gens: [1, 2], outstanding: null });
  });

  test("the audit row says who, what and why", async () => {
    const args = ["--note=quarterly, as agreed", "--meta", "ticket=OPS-7", "--meta=change=a=b", "--meta=empty="];
    expect((await machine.rotate(args)).exitCode).toBe(0);
    const manifest = await machine.manifest();
    expect(manifest).toMatchObject({ action: "rotate", note: "quarterly, as agreed" });
    expect(JSON.stringify(manifest.meta)).toBe(
      '{"event":"rotate","gen":2,"prev_gen":1,"ticket":"OPS-7","change":"a=b","empty":""}',
    );
  });

  test("the env as an argument, behind --meta", async () => {
    const transcript = await machine.run(["rotate-passphrase", "--yes", "--meta", "a=b", "prod"], {
      env: { VSYNC_NEW_PASSPHRASE: NEW },
    });
    expect(transcript.exitCode, transcript.stderr).toBe(0);
  });

  test("passphrases from files, and from stdin", async () => {
    const oldFile = await machine.sandbox.write("old", `${OLD}\n`);
    const newFile = await machine.sandbox.write("new", `${NEW}\n`);
    const bare = { VSYNC_PASSPHRASE: undefined, VSYNC_NEW_PASSPHRASE: undefined };
    const third = await machine.sandbox.write("third", "the third passphrase");
    const byFlag = await machine.rotate([`--old-passphrase-file=${oldFile}`, `--new-passphrase-file=${newFile}`], bare);
    expect(byFlag.exitCode, byFlag.stderr).toBe(0);
    const variables = { VSYNC_PASSPHRASE_FILE: newFile, VSYNC_NEW_PASSPHRASE_FILE: third, VSYNC_PASSPHRASE: "ignored" };
    const byVariable = await machine.rotate([], variables);
    expect(byVariable.exitCode, byVariable.stderr).toBe(0);
    const args = ["rotate-passphrase", "--env=prod", "--yes", `--old-passphrase-file=${third}`];
    const piped = await machine.run([...args, "--new-passphrase-file=-"], {
      env: bare,
      stdin: "the fourth passphrase\n",
    });
    expect(piped.exitCode, piped.stderr).toBe(0);
    expect(await machine.sight("the fourth passphrase")).toBe("writes");
  });

  test("--grace: until when, instead of the race window", async () => {
    const transcript = tidy(await machine.rotate(["--grace=24h"]));
    const stderr = `the old passphrase will read until <instant>, and write no more
${DONE}${nextSteps()}the old passphrase keeps reading until <instant>: until then no app fails to start
when all apps have the new one: vsync rotate-passphrase --env=prod --finish
${OLD_BUNDLES}`;
    expect(transcript).toEqual({ stdout: "", stderr, exitCode: 0 });
    expect(await machine.sight(OLD)).toBe("reads");
    const manifest = await machine.manifest();
    const [at, unlock] = [manifest.at, passphrasesIn(manifest)];
    const end = Date.parse(unlock.at(-1)?.not_after ?? "");
    expect(Math.abs(end - Date.parse(at) - 24 * 3_600_000)).toBeLessThan(10_000);
  });

  test("a rotation inside a window shuts the older slot out, and says so first", async () => {
    await machine.rotateElsewhere(OLD, "the second passphrase", 3_600_000);
    const second = { VSYNC_PASSPHRASE: "the second passphrase" };
    const transcript = tidy(await machine.rotate(["--grace=1h"], second));
    expect(transcript.exitCode, transcript.stderr).toBe(0);
    expect(transcript.stderr).toMatch(/^this shuts out slot p1: an older passphrase that could read until <instant>\n/);
    expect(transcript.stderr.indexOf("shuts out")).toBeLessThan(transcript.stderr.indexOf("✓"));
    expect(await machine.sight(OLD)).toBe("WrongPassphraseError");
    expect(await machine.sight("the second passphrase")).toBe("reads");
  });

  test("the machine remembers: the next command needs no second derivation, an older manifest is refused", async () => {
    await machine.rotate();
    const config = JSON.parse(await readFile(`${machine.sandbox.configFolder}/api/prod.json`, "utf8"));
    const [entry] = passphrasesIn(await machine.manifest());
    expect(config).toMatchObject({ seenGen: 2, recipient: entry?.recipient, kdf: { salt: entry?.kdf.salt } });
  });
});

describe("--finish", () => {
  test("ends the window at once, and needs the new passphrase", async () => {
    await machine.rotateElsewhere(OLD, NEW, 3_600_000);
    const refused = tidy(await machine.run(["rotate-passphrase", "--env=prod", "--finish"]));
    expect(refused).toEqual({
      stdout: "",
      stderr: `vsync: error: this passphrase can only read until <instant>: use the new one
vsync: hint: give the passphrase that the last rotation set, as VSYNC_PASSPHRASE or at the prompt
`,
      exitCode: 1,
    });
    const args = ["rotate-passphrase", "--env=prod", "--finish"];
    const env = { VSYNC_PASSPHRASE: NEW };
    const rehearsed = tidy(await machine.run([...args, "--dry-run"], { env }));
    expect(rehearsed).toEqual({
      stdout: "",
      stderr: "would end the grace window of p1 (until <instant>)\ndry run: nothing was written\n",
      exitCode: 0,
    });
    const finished = tidy(await machine.run([...args, "--note=all restarted"], { env }));
    const stderr = "✓ Grace window ended: p1 (until <instant>) no longer opens prod (gen=2 → gen=3)\n";
    expect(finished).toEqual({ stdout: "", stderr, exitCode: 0 });
    expect(await machine.sight(OLD)).toBe("WrongPassphraseError");
    expect(await machine.manifest()).toMatchObject({ action: "finish", note: "all restarted", gen: 3 });
    const again = await machine.run(args, { env });
    const nothing = "✓ No grace window is open in prod: nothing to finish\n";
    expect(again).toEqual({ stdout: "", stderr: nothing, exitCode: 0 });
  });

  test("takes --passphrase-file", async () => {
    await machine.rotateElsewhere(OLD, NEW, 3_600_000);
    const file = await machine.sandbox.write("new", NEW);
    const args = ["rotate-passphrase", "prod", "--finish", `--passphrase-file=${file}`];
    const { exitCode, stderr } = await machine.run(args, { env: { VSYNC_PASSPHRASE: undefined } });
    expect(exitCode, stderr).toBe(0);
  });
});

describe("--dry-run", () => {
  test("says what would be done, and writes nothing anywhere", async () => {
    await machine.rotateElsewhere(OLD, "the second passphrase", 3_600_000);
    const [disk, objects] = [await machine.sandbox.snapshot(), await machine.objects()];
    const env = { VSYNC_PASSPHRASE: "the second passphrase" };
    const transcript = tidy(await machine.rotate(["--dry-run", "--grace=7d"], env));
    const stderr = `this shuts out slot p1: an older passphrase that could read until <instant>
the old passphrase will read until <instant>, and write no more
would re-encrypt prod (gen=2 → gen=3)
dry run: nothing was written
`;
    expect(transcript).toEqual({ stdout: "", stderr, exitCode: 0 });
    expect(await machine.objects()).toEqual(objects);
    expect(await machine.sandbox.snapshot()).toEqual(disk);
  });

  test("needs no --yes, shows no generated passphrase, and checks --out", async () => {
    const args = ["rotate-passphrase", "--env=prod", "--generate", "--dry-run"];
    const disk = await machine.sandbox.snapshot();
    const toStdout = await machine.run(args);
    expect(toStdout).toMatchObject({ stdout: "", exitCode: 0 });
    expect(await machine.run([...args, "--out=new"])).toMatchObject({ stdout: "", exitCode: 0 });
    expect(await machine.run([...args, "--out=no/folder/new"])).toMatchObject({ stdout: "", exitCode: 1 });
    expect(await machine.sandbox.snapshot()).toEqual(disk);
  });

  test("notices the outstanding row", async () => {
    await machine.store.delete("audit/000000000001");
    const { stderr, exitCode } = await machine.rotate(["--dry-run"]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("the outstanding audit row of gen=1 would be appended first\n");
  });

  test("is refused where the rotation would be", async () => {
    const big = await machine.rotate([
      "--dry-run",
      "--note",
      "n".repeat(120_000),
      ...Array.from({ length: 9 }, (_, at) => ["--meta", `k${at}=${"v".repeat(120_000)}`]).flat(),
    ]);
    expect(big).toMatchObject({ stdout: "", exitCode: 1 });
    expect(big.stderr).toContain("note and meta do not fit: a manifest has at most 1 MiB");
  });
});

describe("--generate", () => {
  const SHAPE = /^([0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{4}$/;

  test("the new passphrase alone on stdout", async () => {
    const { stdout, stderr, exitCode } = await machine.rotate(["--generate"]);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^\S+\n$/);
    expect(stdout.trim()).toMatch(SHAPE);
    expect(stderr).not.toContain(stdout.trim());
    expect(await machine.sight(stdout.trim())).toBe("writes");
    expect(await machine.sight(NEW)).toBe("WrongPassphraseError");
  });

  test("another one each time", async () => {
    const first = await machine.rotate(["--generate"]);
    const second = await machine.rotate(["--generate"], { VSYNC_PASSPHRASE: first.stdout.trim() });
    expect(second.stdout.trim()).toMatch(SHAPE);
    expect(second.stdout).not.toBe(first.stdout);
  });

  test("--out: in a file of mode 0600, without a line end, and nothing on stdout", async () => {
    const transcript = tidy(await machine.rotate(["--generate", "--out=new"]));
    expect(transcript).toEqual({
      stdout: "",
      stderr: DONE + nextSteps("what new holds") + RACE_WARNING + OLD_BUNDLES,
      exitCode: 0,
    });
    const path = `${machine.sandbox.work}/new`;
    const content = await readFile(path, "utf8");
    expect(content).toMatch(SHAPE);
    expect((await stat(path)).mode & 0o7777).toBe(0o600);
    expect(await machine.sight(content)).toBe("writes");
  });
});

describe("1: refused before anything is written", () => {
  test.each<[string, readonly string[], Record<string, string | undefined>, string]>([
    ["no env", ["--yes"], {}, "missing --env"],
    ["a wrong old passphrase", ["--env=prod", "--yes"], { VSYNC_PASSPHRASE: "wrong" }, "wrong passphrase for api/prod"],
    ["a short new one", ["--env=prod", "--yes"], { VSYNC_NEW_PASSPHRASE: "short" }, "is shorter than 12 characters"],
    ["the same one", ["--env=prod", "--yes"], { VSYNC_NEW_PASSPHRASE: OLD }, "the new passphrase is the old one"],
    ["no old one", ["--env=prod", "--yes"], { VSYNC_PASSPHRASE: undefined }, "missing the old passphrase"],
    ["no new one", ["--env=prod", "--yes"], { VSYNC_NEW_PASSPHRASE: undefined }, "missing the new passphrase"],
    ["no confirmation", ["--env=prod"], {}, "missing the confirmation"],
    ["meta without a value", ["--env=prod", "--yes", "--meta", "ticket"], {}, "--meta must be <key>=<value>"],
    ["meta with a bad key", ["--env=prod", "--yes", "--meta=Ticket=1"], {}, "--meta must be <key>=<value>"],
    ["meta with no key", ["--env=prod", "--yes", "--meta==1"], {}, "--meta must be <key>=<value>"],
    ["meta that the rotation writes", ["--env=prod", "--yes", "--meta=prev_gen=1"], {}, "--meta prev_gen is what"],
    ["meta twice", ["--env=prod", "--yes", "--meta=a=1", "--meta=a=2"], {}, "--meta a is given twice"],
    ["a bad grace", ["--env=prod", "--yes", "--grace=24"], {}, "--grace must be a duration from 1s to 90d"],
    ["a grace of nothing", ["--env=prod", "--yes", "--grace=0s"], {}, "--grace must be a duration from 1s to 90d"],
    ["a grace without end", ["--env=prod", "--yes", "--grace=9999d"], {}, "--grace must be a duration from 1s to 90d"],
    ["--out alone", ["--env=prod", "--yes", "--out=new"], {}, "--out needs --generate"],
    ["--out=-", ["--env=prod", "--yes", "--generate", "--out=-"], {}, "--out names a file"],
    ["--out in no folder", ["--env=prod", "--yes", "--generate", "--out=no/new"], {}, "cannot write no/new: ENOENT"],
    ["two sources", ["--env=prod", "--generate", "--new-passphrase-file=x"], {}, "cannot be used together with"],
    ["--finish and --grace", ["--env=prod", "--finish", "--grace=1h"], {}, "cannot be used together with"],
    ["--passphrase-file alone", ["--env=prod", "--yes", "--passphrase-file=x"], {}, "--passphrase-file needs --finish"],
  ])("%s", async (_name, args, env, message) => {
    const [disk, objects] = [await machine.sandbox.snapshot(), await machine.objects()];
    const all = { VSYNC_NEW_PASSPHRASE: NEW, ...env };
    const transcript = await machine.run(["rotate-passphrase", ...args], { env: all });
    expect(transcript).toMatchObject({ stdout: "", exitCode: 1 });
    expect(transcript.stderr).toContain("vsync: error: ");
    expect(transcript.stderr).toContain(message);
    expect(await machine.objects()).toEqual(objects);
    expect(await machine.sandbox.snapshot()).toEqual(disk);
  });

  test("an --out that is there: a file, a link that leads nowhere", async () => {
    await machine.sandbox.write("work/new", "");
    const transcript = await machine.rotate(["--generate", "--out=new"]);
    expect(transcript).toEqual({
      stdout: "",
      stderr: `vsync: error: new is there already: a rotation that was cut short may have left it
vsync: hint: where vsync audit verify --env=prod --passphrase-file=new accepts it, it is the new passphrase; else move it away and run this again
`,
      exitCode: 1,
    });
    await symlink("/nowhere", `${machine.sandbox.work}/link`);
    expect(await machine.rotate(["--generate", "--out=link"])).toMatchObject({ stdout: "", exitCode: 1 });
    expect(await machine.sight(OLD)).toBe("writes");
  });

  test("missing input names every way to give it", async () => {
    const { stderr } = await machine.rotate([], { VSYNC_NEW_PASSPHRASE: undefined });
    for (const way of ["--generate", "--new-passphrase-file", "VSYNC_NEW_PASSPHRASE_FILE", "VSYNC_NEW_PASSPHRASE"]) {
      expect(stderr).toContain(way);
    }
  });

  test("no vault yet", async () => {
    await machine.store.delete("manifest");
    expect(await machine.rotate()).toMatchObject({ stdout: "", exitCode: 1 });
  });
});

describe("5: this machine's config", () => {
  test("is not there", async () => {
    const transcript = tidy(await machine.run(["rotate-passphrase", "--env=staging", "--yes"]));
    expect(transcript).toEqual({
      stdout: "",
      stderr: `vsync: error: this machine has no config for env staging of api: <home>/.config/vsync/api/staging.json is not there
vsync: hint: run vsync init --env=staging
`,
      exitCode: 5,
    });
  });

  test("cannot be used", async () => {
    await machine.sandbox.write("home/.config/vsync/api/prod.json", "{");
    expect(await machine.rotate()).toMatchObject({ stdout: "", exitCode: 5 });
  });
});

describe("6: the vault is not authentic, or corrupt", () => {
  test.each(["manifest", "bundle", "audit"])("%s", async (what) => {
    const { bundle } = await machine.manifest();
    const key = { manifest: "manifest", bundle: bundle.key, audit: "audit/000000000001" }[what] ?? "";
    const folder = `${machine.sandbox.home}/store/vaults/api/prod`;
    const text = await readFile(`${folder}/${key}`, "latin1");
    await machine.sandbox.write(
      `home/store/vaults/api/prod/${key}`,
      Buffer.from(text.replace(/at|enc/, "xx"), "latin1"),
    );
    const objects = await machine.objects();
    const transcript = await machine.rotate();
    expect(transcript).toMatchObject({ stdout: "", exitCode: 6 });
    expect(await machine.objects()).toEqual(objects);
  });
});
