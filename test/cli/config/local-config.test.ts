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
import { stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { writeDocument } from "../../../src/cli/config/config-document.ts";
import { findConfig, loadConfig, rememberSeen, saveConfig } from "../../../src/cli/config/local-config.ts";
import { configFolder, configPath, listEnvs } from "../../../src/cli/config/paths.ts";
import { Secret } from "../../../src/crypto/secret.ts";
import { makeConfig, PLANTED_SECRET } from "../config-fixture.ts";
import { rows } from "../rows.ts";

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs/promises")>();
  return { ...original, stat: vi.fn(original.stat) };
});

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

/** Writes the file as vsync does, with one field changed. */
function writeWith(change: (fields: Record<string, unknown>) => unknown): void {
  const fields = JSON.parse(writeDocument(makeConfig()));
  change(fields);
  writeText(JSON.stringify(fields));
}

function writeText(text: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}

describe("a config's path", () => {
  test("is below XDG_CONFIG_HOME, else ~/.config", () => {
    expect(configPath(TARGET)).toBe(path);
    for (const ignored of ["", "relative"]) {
      vi.stubEnv("XDG_CONFIG_HOME", ignored);
      expect(configFolder()).toBe(join(homedir(), ".config", "vsync"));
    }
  });

  test.each(["..", ".", "", "a/b/c", "-x", "a b", "ä", "x".repeat(101), "a\0"])(
    "never has a name like %j",
    async (name) => {
      const refused = expect.objectContaining({ code: "INPUT" });
      expect(() => configPath({ repo: name, env: "prod" })).toThrow(refused);
      await expect(loadConfig({ repo: "api", env: name }, warn)).rejects.toThrow(refused);
      await expect(saveConfig(makeConfig({ env: name }))).rejects.toThrow(refused);
      expect(readdirSync(home)).toEqual([]);
    },
  );
});

describe("a config is saved", () => {
  const session = { accessKeyId: "A", secretAccessKey: Secret.ofText("b"), sessionToken: Secret.ofText("c") };
  test.each([
    ["an access key", {}],
    ["temporary credentials", { credentials: session }],
    ["ambient credentials", { credentials: "ambient" as const }],
    ["a directory", { endpoint: "file:///srv/vaults", region: "local", credentials: "ambient" as const, seenGen: 12 }],
  ])("and loaded the same, with %s", async (_what, changes) => {
    const config = makeConfig(changes);
    await saveConfig(config);
    expect(writeDocument(await loadConfig(TARGET, warn))).toBe(writeDocument(config));
    expect(warnings).toEqual([]);
  });

  test("with mode 0600 in folders of 0700, under any umask, and leaves no other file", async () => {
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

  test("with its key in clear text, but in memory the key cannot be printed", async () => {
    await saveConfig(makeConfig());
    expect(JSON.stringify(await loadConfig(TARGET, warn))).not.toContain(PLANTED_SECRET);
    expect(readFileSync(path, "utf8")).toContain(PLANTED_SECRET);
  });

  test("or names the path that cannot be written, and leaves no other file", async () => {
    mkdirSync(path, { recursive: true });
    const message = `cannot write ${path}: EISDIR`;
    await expect(saveConfig(makeConfig())).rejects.toThrow(expect.objectContaining({ code: "INPUT", message }));
    expect(readdirSync(dirname(path))).toEqual(["prod.json"]);
  });
});

describe("a config is refused", () => {
  test("that does not exist", async () => {
    const message = `this machine has no config for env prod of api: ${path} does not exist`;
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(message, "run vsync init --env=prod"));
    const typed = { ...TARGET, isRepoTyped: true };
    await expect(loadConfig(typed, warn)).rejects.toThrow(missing(message, "run vsync init --env=prod --repo=api"));
    expect(await findConfig(TARGET, warn)).toBeNull();
    await saveConfig(makeConfig({ env: "prods" }));
    const hint = "did you mean prods? Else run vsync init --env=prod";
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(message, hint));
  });

  test.each<[string | Uint8Array, string]>([
    ["", "is empty"],
    ['{\n  "format": "vsync', "is not JSON: line 2, column 13"],
    [`{"secretAccessKey": ${PLANTED_SECRET}}`, "is not JSON: line 1, column 21"],
    [Uint8Array.of(0xff), "is not UTF-8 text"],
    [" ".repeat(65537), "is larger than 65536 bytes"],
    ['"text"', "is not a vsync config: see the document"],
    ["{}", "is not a vsync config: see format"],
    [writeDocument(makeConfig({ env: "staging" })), "is the config of another repo or env"],
  ])("whose content is malformed, case %#, and the file stays as it is", async (content, fault) => {
    writeText(content);
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} ${fault}`));
    await expect(findConfig(TARGET, warn)).rejects.toThrow(missing(`${path} ${fault}`));
    expect(readFileSync(path)).toEqual(Buffer.from(content));
  });

  test.each(rows`
    format      │ "vsync-config-v2"
    endpoint    │ "s3.example.com"
    endpoint    │ "https://s3.example.com/"
    region      │ 1
    bucket      │ ""
    prefix      │ "api/../prod/"
    prefix      │ "api/prod"
    credentials │ "ambiant"
    vault       │ null
    recipient   │ "AAAA"
    recipient   │ "not base64"
    kdf         │ {"salt": "AAAA", "iterations": 3, "memoryKiB": 65536, "parallelism": 4}
    kdf         │ {"salt": "AAAAAAAAAAAAAAAAAAAAAA==", "iterations": 99, "memoryKiB": 65536, "parallelism": 4}
    kdf.salt    │ {"salt": "?", "iterations": 3, "memoryKiB": 65536, "parallelism": 4}
    seenGen     │ -1
    seenGen     │ 1.5
    unheard     │ "of"
    env         │ absent
    vault       │ absent
    kdf         │ absent
    seenGen     │ absent
  `)("whose field %s is %s", async (field = "", value = "") => {
    const [name = ""] = field.split(".");
    writeWith((fields) => (value === "absent" ? delete fields[name] : (fields[name] = JSON.parse(value))));
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} is not a vsync config: see ${field}`));
  });

  test("that is a directory", async () => {
    mkdirSync(path, { recursive: true });
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(`${path} cannot be read: it is a folder (EISDIR)`));
  });

  test.each([
    ["vsync/api/prod.json", 0o620, 600],
    ["vsync/api/prod.json", 0o602, 600],
    ["vsync/api", 0o770, 700],
    ["vsync", 0o707, 700],
  ])("that others can change: %s with mode %o", async (name, mode, right) => {
    writeText(writeDocument(makeConfig()));
    chmodSync(join(home, name), mode);
    const message = `${join(home, name)} can be changed by other users (mode 0${mode.toString(8)})`;
    const hint = `check its content, then chmod ${right} ${join(home, name)}`;
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(message, hint));
  });

  test("in a folder that the disk cannot show", async () => {
    writeText(writeDocument(makeConfig()));
    const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
    onTestFinished(() => void vi.mocked(stat).mockReset().mockImplementation(real.stat));
    vi.mocked(stat).mockImplementation(async (...args) => {
      if (args[0] === dirname(path)) throw Object.assign(new Error("EIO"), { code: "EIO", syscall: "stat" });
      return real.stat(...args);
    });
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(
      missing(`${dirname(path)} cannot be read: input/output error (EIO)`),
    );
  });

  test.skipIf(!isRoot)("that belongs to another user", async () => {
    writeText(writeDocument(makeConfig()));
    chownSync(path, 12345, 12345);
    const message = `${path} belongs to another user (uid 12345)`;
    await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(message, expect.stringContaining("chown")));
  });
});

test("a file that others can read is used, with a warning", async () => {
  writeText(writeDocument(makeConfig()));
  chmodSync(path, 0o644);
  await loadConfig(TARGET, warn);
  expect(warnings).toEqual([`${path} can be read by other users: chmod 600 it`]);
});

test("a link is followed, and its target is checked", async () => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, "kept"), writeDocument(makeConfig()), { mode: 0o600 });
  symlinkSync(join(home, "kept"), path);
  expect((await loadConfig(TARGET, warn)).vault).toBe(makeConfig().vault);
  chmodSync(join(home, "kept"), 0o666);
  await expect(loadConfig(TARGET, warn)).rejects.toThrow(missing(/can be changed by other users/));
});

describe("rememberSeen", () => {
  const { vault, recipient: own, kdf: ownKdf } = makeConfig();
  const KNOWN = { ...TARGET, vault, recipient: own };
  const newsOf = (gen: number, by = own, cost = ownKdf) => ({
    floors: new Map([[Buffer.from(by).toString("base64"), { gen, row: "00" }]]),
    writer: { gen, kdf: cost, recipient: by },
  });
  const seen = async () => {
    const { seenGen, kdf, recipient } = await loadConfig(TARGET, warn);
    return { seenGen, iterations: kdf.iterations, recipient: recipient[0] };
  };
  const kdf = { ...makeConfig().kdf, iterations: 5 };
  const recipient = new Uint8Array(32).fill(1);

  test("keeps a newer generation, and the passphrase that may write", async () => {
    await saveConfig(makeConfig({ seenGen: 3 }));
    await rememberSeen(KNOWN, newsOf(4, recipient, kdf), warn);
    expect(await seen()).toEqual({ seenGen: 4, iterations: 5, recipient: 1 });
    await rememberSeen({ ...KNOWN, recipient }, newsOf(6, recipient, kdf), warn);
    expect(await seen()).toEqual({ seenGen: 6, iterations: 5, recipient: 1 });
  });

  test("ignores an older generation", async () => {
    await saveConfig(makeConfig({ seenGen: 3 }));
    await rememberSeen(KNOWN, newsOf(2), warn);
    expect(await seen()).toEqual({ seenGen: 3, iterations: 3, recipient: 9 });
  });

  test("keeps what another process has changed in the file", async () => {
    await saveConfig(makeConfig({ bucket: "moved", seenGen: 9 }));
    await rememberSeen(KNOWN, newsOf(10), warn);
    expect(await loadConfig(TARGET, warn)).toMatchObject({ bucket: "moved", seenGen: 10 });
  });

  test("keeps the newest of many simultaneous updates, and leaves no other file", async () => {
    await saveConfig(makeConfig({ seenGen: 3 }));
    const gens = [22, 7, 23, 8, 4, 6];
    await Promise.all(
      gens.map((gen) =>
        rememberSeen(
          KNOWN,
          newsOf(
            gen,
            recipient.map(() => gen),
          ),
          warn,
        ),
      ),
    );
    expect([await seen(), warnings]).toEqual([{ seenGen: 23, iterations: 3, recipient: 23 }, []]);
    expect(readdirSync(dirname(path))).toEqual(["prod.json"]);
  });

  test("does not touch the config of another vault that has taken its place", async () => {
    await saveConfig(makeConfig({ seenGen: 3 }));
    await rememberSeen({ ...KNOWN, vault: "BBECAwQFBgcICQoLDA0ODw" }, newsOf(8), warn);
    expect((await seen()).seenGen).toBe(3);
  });

  test("writes nothing if nothing is new", async () => {
    await saveConfig(makeConfig({ seenGen: 3 }));
    await rememberSeen(KNOWN, newsOf(3), warn);
    const { ino } = statSync(path);
    await rememberSeen(KNOWN, newsOf(3), warn);
    expect(statSync(path).ino).toBe(ino);
  });

  test("only warns at a failure", async () => {
    await rememberSeen(KNOWN, newsOf(4), warn);
    expect(warnings).toEqual([
      expect.stringMatching(/^generation 4 is not remembered on this machine: .* does not exist$/),
    ]);
    expect(readdirSync(home)).toEqual([]);
  });
});

test("the envs of a repo are those with a config file", async () => {
  expect(await listEnvs("api")).toEqual([]);
  for (const env of ["staging", "prod"]) await saveConfig(makeConfig({ env }));
  writeFileSync(join(dirname(path), "notes.txt"), "");
  writeFileSync(join(dirname(path), "not a name.json"), "");
  expect(await listEnvs("api")).toEqual(["prod", "staging"]);
  expect(await listEnvs("web")).toEqual([]);
});
