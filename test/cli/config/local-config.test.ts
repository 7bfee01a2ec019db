import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { writeDocument } from "../../../src/cli/config/config-document.ts";
import { findConfig, loadConfig, rememberSeen, saveConfig } from "../../../src/cli/config/local-config.ts";
import { configFolder, configPath, listEnvs } from "../../../src/cli/config/paths.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { makeConfig, PLANTED_SECRET } from "../config-fixture.ts";

const TARGET = { repo: "api", env: "prod" };
const isRoot = process.geteuid?.() === 0;

let home: string;
let path: string;
let warnings: string[];
const warn = (text: string): void => void warnings.push(text);

beforeEach(() => {
  home = mkdtempSync(join(realpathSync(tmpdir()), "vsync-config-"));
  vi.stubEnv("XDG_CONFIG_HOME", home);
  path = join(home, "vsync", "api", "prod.json");
  warnings = [];
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

const modeOf = (file: string): number => statSync(file).mode & 0o777;

function missing(message: string | RegExp, hint: unknown = expect.any(String)) {
  const said = typeof message === "string" ? message : expect.stringMatching(message);
  return expect.objectContaining({ code: "LOCAL_CONFIG_MISSING", message: said, hint });
}

/** The file as vsync writes it, with one field changed. */
function writeWith(change: (fields: Record<string, unknown>) => void): void {
  const fields = JSON.parse(writeDocument(makeConfig()));
  change(fields);
  writeText(JSON.stringify(fields));
}

function writeText(text: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}

describe("where it is", () => {
  test("below XDG_CONFIG_HOME, else ~/.config", () => {
    expect(configPath(TARGET)).toBe(path);
    for (const ignored of ["", "relative"]) {
      vi.stubEnv("XDG_CONFIG_HOME", ignored);
      expect(configFolder()).toBe(join(homedir(), ".config", "vsync"));
    }
  });

  test.each(["..", ".", "", "a/b", "-x", "a b", "ä", "x".repeat(101), "a\0"])(
    "never at a name like %j",
    async (name) => {
      const refused = expect.objectContaining({ code: "INPUT" });
      expect(() => configPath({ repo: name, env: "prod" })).toThrow(refused);
      await expect(loadConfig({ repo: "api", env: name }, warn)).rejects.toThrow(refused);
      await expect(saveConfig(makeConfig({ env: name }))).rejects.toThrow(refused);
      expect(readdirSync(home)).toEqual([]);
    },
  );
});

describe("what is saved is loaded", () => {
  test.each([
    ["a key", {}],
    [
      "a session",
      { credentials: { accessKeyId: "A", secretAccessKey: Secret.ofText("b"), sessionToken: Secret.ofText("c") } },
    ],
    ["ambient", { credentials: "ambient" as const }],
    ["a directory", { endpoint: "file:///srv/vaults", region: "local", credentials: "ambient" as const, seenGen: 12 }],
  ])("%s", async (_what, changes) => {
    const config = makeConfig(changes);
    await saveConfig(config);
    const loaded = await loadConfig(TARGET, warn);
    expect(writeDocument(loaded)).toBe(writeDocument(config));
    expect(warnings).toEqual([]);
  });

  test("0600 in 0700, whatever the umask, and no other file", async () => {
    const umask = process.umask(0o002);
    try {
      expect(await saveConfig(makeConfig())).toBe(path);
      await saveConfig(makeConfig({ seenGen: 1 }));
    } finally {
      process.umask(umask);
    }
    expect([path, dirname(path), dirname(dirname(path))].map(modeOf)).toEqual([0o600, 0o700, 0o700]);
    expect(readdirSync(dirname(path))).toEqual(["prod.json"]);
  });

  test("in memory, the key does not print", async () => {
    await saveConfig(makeConfig());
    expect(JSON.stringify(await loadConfig(TARGET, warn))).not.toContain(PLANTED_SECRET);
    expect(readFileSync(path, "utf8")).toContain(PLANTED_SECRET);
  });

  test("a path that cannot be written is named, and nothing is left beside it", async () => {
    mkdirSync(path, { recursive: true });
    const message = `cannot write ${path}: EISDIR`;
    await expect(saveConfig(makeConfig())).rejects.toThrow(expect.objectContaining({ code: "INPUT", message }));
    expect(readdirSync(dirname(path))).toEqual(["prod.json"]);
  });
});

describe("what is refused", () => {
  test("nothing there", async () => {
    const message = `this machine has no config for env prod of api: ${path} is not there`;
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(message, "run vsync init --env=prod"));
    expect(await findConfig(TARGET, warn)).toBeNull();
  });

  test.each<[string, string | Uint8Array, string]>([
    ["empty", "", "is not JSON: line 1, column 1"],
    ["cut", '{\n  "format": "vsync', "is not JSON: line 2, column 13"],
    ["not text", Uint8Array.of(0xff), "is not UTF-8 text"],
    ["too long", " ".repeat(65537), "is larger than 65536 bytes"],
    ["no document", '"text"', "is not a vsync config: see the document"],
    ["an empty one", "{}", "is not a vsync config: see format"],
  ])("%s", async (_what, content, fault) => {
    writeText(content);
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} ${fault}`));
    await expect(findConfig(TARGET, warn)).rejects.toThrow(missing(`${path} ${fault}`));
    expect(readFileSync(path)).toEqual(Buffer.from(content));
  });

  test("a place in the file is named, never what it says there", async () => {
    writeText(`{"secretAccessKey": ${PLANTED_SECRET}}`);
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} is not JSON: line 1, column 21`));
  });

  test.each<[string, unknown]>([
    ["format", "vsync-config-v2"],
    ["endpoint", "s3.example.com"],
    ["endpoint", "https://s3.example.com/"],
    ["region", 1],
    ["bucket", ""],
    ["prefix", "api/../prod/"],
    ["prefix", "api/prod"],
    ["credentials", "ambiant"],
    ["vault", null],
    ["recipient", "AAAA"],
    ["recipient", "not base64"],
    ["kdf", { salt: "AAAA", iterations: 3, memoryKiB: 65536, parallelism: 4 }],
    ["kdf", { salt: "AAAAAAAAAAAAAAAAAAAAAA==", iterations: 99, memoryKiB: 65536, parallelism: 4 }],
    ["seenGen", -1],
    ["seenGen", 1.5],
    ["unheard", "of"],
  ])("a field of the wrong form: %s is %j", async (field, value) => {
    writeWith((fields) => void (fields[field] = value));
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} is not a vsync config: see ${field}`));
  });

  test.each(["env", "vault", "kdf", "seenGen"])("a field that is not there: %s", async (field) => {
    writeWith((fields) => delete fields[field]);
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} is not a vsync config: see ${field}`));
  });

  test("fields within fields are named", async () => {
    writeWith((fields) => void (fields["kdf"] = { salt: "?", iterations: 3, memoryKiB: 65536, parallelism: 4 }));
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(/see kdf\.salt$/));
  });

  test("the config of another env", async () => {
    writeText(writeDocument(makeConfig({ env: "staging" })));
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(/is the config of another repo or env/));
  });

  test("a directory in its place", async () => {
    mkdirSync(path, { recursive: true });
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} cannot be read (EISDIR)`));
  });

  test.each([0o620, 0o602, 0o666])("a file that others can write: %o", async (mode) => {
    writeText(writeDocument(makeConfig()));
    chmodSync(path, mode);
    const message = `${path} can be changed by other users (mode 0${mode.toString(8)})`;
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(
      missing(message, expect.stringContaining(`chmod 600 ${path}`)),
    );
  });

  test.each(["vsync/api", "vsync"])("a folder that others can write: %s", async (folder) => {
    writeText(writeDocument(makeConfig()));
    chmodSync(join(home, folder), 0o770);
    const hint = expect.stringContaining(`chmod 700 ${join(home, folder)}`);
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(
      missing(/can be changed by other users \(mode 0770\)/, hint),
    );
  });

  test.skipIf(!isRoot)("another user's file", async () => {
    writeText(writeDocument(makeConfig()));
    chownSync(path, 12345, 12345);
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} belongs to another user (uid 12345)`));
    await expect(loadConfig(TARGET, warn)).rejects.toMatchObject({ hint: expect.stringContaining("chown") });
  });
});

test("a file that others can read is taken with a warning", async () => {
  writeText(writeDocument(makeConfig()));
  chmodSync(path, 0o644);
  await loadConfig(TARGET, warn);
  expect(warnings).toEqual([`${path} can be read by other users: chmod 600 it`]);
});

test("a link is followed, to a file that is checked", async () => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, "kept"), writeDocument(makeConfig()), { mode: 0o600 });
  symlinkSync(join(home, "kept"), path);
  expect((await loadConfig(TARGET, warn)).vault).toBe(makeConfig().vault);
  chmodSync(join(home, "kept"), 0o666);
  await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(/can be changed by other users/));
});

describe("what was seen is remembered", () => {
  const seen = async () => {
    const { seenGen, kdf, recipient } = await loadConfig(TARGET, warn);
    return { seenGen, iterations: kdf.iterations, recipient: recipient[0] };
  };
  const kdf = { ...makeConfig().kdf, iterations: 5 };
  const recipient = new Uint8Array(32).fill(1);

  test("a newer generation, with the slot that opened it", async () => {
    await saveConfig(makeConfig({ seenGen: 3 }));
    await rememberSeen(TARGET, { gen: 4, kdf, recipient }, warn);
    expect(await seen()).toEqual({ seenGen: 4, iterations: 5, recipient: 1 });
    await rememberSeen(TARGET, { gen: 6 }, warn);
    expect(await seen()).toEqual({ seenGen: 6, iterations: 5, recipient: 1 });
  });

  test("an older one is not", async () => {
    await saveConfig(makeConfig({ seenGen: 3 }));
    await rememberSeen(TARGET, { gen: 2, kdf, recipient }, warn);
    expect(await seen()).toEqual({ seenGen: 3, iterations: 3, recipient: 9 });
  });

  test("what changed in the file meanwhile stays", async () => {
    await saveConfig(makeConfig({ bucket: "moved", seenGen: 9 }));
    await rememberSeen(makeConfig({ seenGen: 3 }), { gen: 10 }, warn);
    expect(await loadConfig(TARGET, warn)).toMatchObject({ bucket: "moved", seenGen: 10 });
  });

  test("nothing new writes nothing", async () => {
    await saveConfig(makeConfig({ seenGen: 3 }));
    const { ino } = statSync(path);
    await rememberSeen(TARGET, { gen: 3 }, warn);
    expect(statSync(path).ino).toBe(ino);
  });

  test("a failure is a warning", async () => {
    await rememberSeen(TARGET, { gen: 4 }, warn);
    expect(warnings).toEqual([
      expect.stringMatching(/^generation 4 is not remembered on this machine: .* is not there$/),
    ]);
    expect(readdirSync(home)).toEqual([]);
  });
});

test("the envs of a repo are those that have a file", async () => {
  expect(await listEnvs("api")).toEqual([]);
  for (const env of ["staging", "prod"]) await saveConfig(makeConfig({ env }));
  writeFileSync(join(dirname(path), "notes.txt"), "");
  writeFileSync(join(dirname(path), "not a name.json"), "");
  expect(await listEnvs("api")).toEqual(["prod", "staging"]);
  expect(await listEnvs("web")).toEqual([]);
});
