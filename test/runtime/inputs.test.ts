import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Vsync } from "../../src/runtime/index.ts";
import { directoryVault, environmentOf, open, rejectionOf, temporaryFolder } from "./fixture.ts";

const ROOT = process.getuid?.() === 0;

interface Warned {
  readonly fields: object;
  readonly message: string;
}

function collecting(): { warned: Warned[]; warn(fields: object, message: string): void } {
  const warned: Warned[] = [];
  return { warned, warn: (fields, message) => void warned.push({ fields, message }) };
}

async function fileOf(content: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(await temporaryFolder(), "secret");
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

describe("which input wins", () => {
  test("the option, then the file, then the variable", async () => {
    const vault = await directoryVault();
    const good = await fileOf(vault.passphrase);
    const bad = await fileOf("the wrong one");
    const { VSYNC_CONFIG, VSYNC_PASSPHRASE } = environmentOf(vault);
    const opens = [
      { env: { VSYNC_CONFIG, VSYNC_PASSPHRASE: "the wrong one", VSYNC_PASSPHRASE_FILE: good } },
      { env: { VSYNC_CONFIG, VSYNC_PASSPHRASE, VSYNC_PASSPHRASE_FILE: "" } },
      { env: { VSYNC_CONFIG, VSYNC_PASSPHRASE_FILE: bad }, passphrase: vault.passphrase },
      { env: { VSYNC_CONFIG: "garbage", VSYNC_CONFIG_FILE: await fileOf(`${vault.config}\n`), VSYNC_PASSPHRASE } },
      { env: { VSYNC_CONFIG_FILE: "/nowhere", VSYNC_PASSPHRASE }, config: vault.config },
    ];
    for (const options of opens) expect((await open(vault, options)).env).toBe("prod");
    const shadowed = { VSYNC_CONFIG, VSYNC_PASSPHRASE, VSYNC_PASSPHRASE_FILE: bad };
    await expect(Vsync.open({ env: shadowed })).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
  });

  test.each([
    ["a line end", "pass phrase", "pass phrase\n", true],
    ["all of space, tab, CR and LF", "pass phrase", "pass phrase \t\r\n\r\n \n", true],
    ["a leading space", " pass phrase", " pass phrase\n", true],
    ["a leading space that is not the passphrase's", "pass phrase", " pass phrase", false],
    ["a trailing no-break space", "pass phrase", "pass phrase\u00a0", false],
    ["a byte order mark", "pass phrase", "\ufeffpass phrase", false],
  ])("a file with %s", async (_, passphrase, content, opens) => {
    const vault = await directoryVault({ passphrase });
    const env = { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: await fileOf(content) };
    const end = Vsync.open({ env }).then(
      (v) => v.close(),
      (error: unknown) => error,
    );
    if (opens) expect(await end).toBeUndefined();
    else expect(await end).toMatchObject({ code: "WRONG_PASSPHRASE" });
  });

  test.each([" pass phrase", "pass phrase ", "pass phrase\n", " ", "Grüße"])(
    "a variable is verbatim: %j",
    async (value) => {
      const vault = await directoryVault({ passphrase: value });
      expect((await open(vault)).generation).toBe(1);
      const trimmed = { ...environmentOf(vault), VSYNC_PASSPHRASE: `${value}x` };
      await expect(Vsync.open({ env: trimmed })).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
    },
  );
});

describe("what is missing", () => {
  const CONFIG = { VSYNC_CONFIG: "vsync-cfg-v1:x" };
  test.each([
    ["no token", {}, "neither VSYNC_CONFIG nor VSYNC_CONFIG_FILE is set", "VSYNC_CONFIG"],
    ["an empty token", { VSYNC_CONFIG: "" }, "VSYNC_CONFIG is empty", "VSYNC_CONFIG"],
    ["no passphrase", CONFIG, "neither VSYNC_PASSPHRASE nor VSYNC_PASSPHRASE_FILE is set", "VSYNC_PASSPHRASE"],
    ["an empty passphrase", { ...CONFIG, VSYNC_PASSPHRASE: "" }, "VSYNC_PASSPHRASE is empty", "VSYNC_PASSPHRASE"],
    [
      "broken text",
      { ...CONFIG, VSYNC_PASSPHRASE: "\ud800" },
      "VSYNC_PASSPHRASE is not valid Unicode text",
      "VSYNC_PASSPHRASE",
    ],
  ])("%s", async (_, env, message, variable) => {
    const error = await rejectionOf(Vsync.open({ env }));
    expect(error).toMatchObject({ name: "ConfigMissingError", code: "CONFIG_MISSING", message });
    const { hint } = error as { hint: string };
    expect(hint).toMatch(new RegExp(`set ${variable} to .*${variable}_FILE to the path`));
  });

  test.each(["config", "passphrase"] as const)(
    "an empty option %s does not fall back to the environment",
    async (option) => {
      const vault = await directoryVault();
      const error = await rejectionOf(Vsync.open({ env: environmentOf(vault), [option]: "" }));
      expect(error).toMatchObject({ code: "CONFIG_MISSING", message: `the option ${option} of Vsync.open is empty` });
    },
  );

  test("what an environment inherits is not set", async () => {
    const vault = await directoryVault();
    const env = Object.create(environmentOf(vault)) as Record<string, string>;
    await expect(Vsync.open({ env })).rejects.toMatchObject({ code: "CONFIG_MISSING" });
  });
});

describe("which files are refused", () => {
  const CASES: Record<string, readonly [fault: string, make: (folder: string) => Promise<string> | string]> = {
    missing: ["is not there", (folder) => join(folder, "none")],
    "below a file": ["is not there", async (folder) => join(await put(folder, "x"), "none")],
    "a directory": ["is a directory", (folder) => folder],
    empty: ["is empty", (folder) => put(folder, "")],
    "white space": ["is empty", (folder) => put(folder, " \t\r\n \n")],
    "too large": ["is larger than 1048576 bytes", (folder) => large(folder, 1024 * 1024 + 1)],
    "not UTF-8": ["does not hold UTF-8 text", (folder) => put(folder, Uint8Array.of(0x61, 0xff))],
    "world-writable": ["can be changed by every user of this machine (mode 0602)", (folder) => put(folder, "x", 0o602)],
    "world-writable to all": [
      "can be changed by every user of this machine (mode 0666)",
      (folder) => put(folder, "x", 0o666),
    ],
    "a link in a circle": ["is a circle of symbolic links", circle],
    "a named pipe": ["is not a regular file", pipe],
    "a device": ["is not a regular file", () => "/dev/null"],
    "an endless device": ["is not a regular file", () => "/dev/zero"],
  };

  describe.each(["VSYNC_PASSPHRASE_FILE", "VSYNC_CONFIG_FILE"])("%s", (variable) => {
    test.each(Object.keys(CASES))("%s", async (name) => {
      const [fault, make] = CASES[name]!;
      const path = await make(await temporaryFolder());
      const env = { VSYNC_CONFIG: "vsync-cfg-v1:x", VSYNC_PASSPHRASE: "not in place of the file", [variable]: path };
      const error = await rejectionOf(Vsync.open({ env }));
      const message = `${variable} names ${path}, which ${fault}`;
      expect(error).toMatchObject({
        name: "ConfigMissingError",
        code: "CONFIG_MISSING",
        message,
        hint: expect.any(String),
      });
    });
  });

  test.runIf(ROOT)("unreadable", async () => {
    const path = await fileOf("x");
    const script = `
      import { Vsync } from ${JSON.stringify(new URL("../../src/runtime/index.ts", import.meta.url).href)};
      process.seteuid(65534);
      const error = await Vsync.open().catch((error) => error);
      console.log(error.code, error.message);
    `;
    await chmod(join(path, ".."), 0o755);
    const env = { VSYNC_CONFIG: "vsync-cfg-v1:x", VSYNC_PASSPHRASE_FILE: path };
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], { env, encoding: "utf8" });
    expect(printed).toBe(`CONFIG_MISSING VSYNC_PASSPHRASE_FILE names ${path}, which may not be read by this process\n`);
  });

  test.each(["hunter2 correct horse", "vsync-cfg-v1:H4sIAAAAAAAAA", "with\0nul", ".hunter2", "...//hunter2", "x./y"])(
    "a value in the place of its path is not shown: %j",
    async (value) => {
      const env = { VSYNC_CONFIG: "vsync-cfg-v1:x", VSYNC_PASSPHRASE_FILE: value };
      const error = (await rejectionOf(Vsync.open({ env }))) as Error;
      expect(error).toMatchObject({
        code: "CONFIG_MISSING",
        message: expect.stringContaining("VSYNC_PASSPHRASE_FILE names a relative path"),
      });
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(value);
    },
  );
});

describe("which paths are shown", () => {
  test.each([
    ["./none/passphrase", "./none/passphrase"],
    ["../none/passphrase", "../none/passphrase"],
    ["/none/a\u001b[2Jb", '"/none/a\\u001b[2Jb"'],
    ["/none/with space", "/none/with space"],
  ])("%j", async (path, shown) => {
    const env = { VSYNC_CONFIG: "vsync-cfg-v1:x", VSYNC_PASSPHRASE_FILE: path };
    expect(await rejectionOf(Vsync.open({ env }))).toMatchObject({
      message: `VSYNC_PASSPHRASE_FILE names ${shown}, which is not there`,
      hint: "fix that, or unset VSYNC_PASSPHRASE_FILE and give the value itself in VSYNC_PASSPHRASE",
    });
  });

  test("of a file that is read with a warning, too", async () => {
    const vault = await directoryVault();
    const path = join(await temporaryFolder(), "line\nend");
    await writeFile(path, vault.passphrase, { mode: 0o644 });
    const logger = collecting();
    await open(vault, { env: { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: path }, logger });
    expect(logger.warned).toEqual([
      { fields: expect.objectContaining({ path: JSON.stringify(path) }), message: expect.not.stringContaining("\n") },
    ]);
  });
});

describe("which files are read", () => {
  test("through links, as Kubernetes mounts them", async () => {
    const vault = await directoryVault();
    const folder = await temporaryFolder();
    await mkdir(join(folder, "..2026"));
    await writeFile(join(folder, "..2026", "passphrase"), vault.passphrase, { mode: 0o400 });
    await symlink("..2026", join(folder, "..data"));
    await symlink("..data/passphrase", join(folder, "passphrase"));
    const env = { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: join(folder, "passphrase") };
    const logger = collecting();
    expect((await open(vault, { env, logger })).has("API_KEY")).toBe(true);
    expect(logger.warned).toEqual([]);
  });

  test("of 1 MiB", async () => {
    const path = await large(await temporaryFolder(), 1024 * 1024);
    const error = await rejectionOf(
      Vsync.open({ env: { VSYNC_CONFIG: "vsync-cfg-v1:x", VSYNC_PASSPHRASE_FILE: path } }),
    );
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
  });

  test.each([
    [0o600, null],
    [0o400, null],
    [0o700, null],
    [0o640, "0640"],
    [0o440, "0440"],
    [0o604, "0604"],
    [0o644, "0644"],
    [0o660, "0660"],
  ])("mode %i (decimal)", async (mode, warned) => {
    const vault = await directoryVault();
    const path = await fileOf(vault.passphrase, mode);
    const logger = collecting();
    await open(vault, { env: { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: path }, logger });
    const message = `vsync: VSYNC_PASSPHRASE_FILE names ${path}, which is open to other users (mode ${warned})`;
    const fields = { code: "VSYNC_FILE_EXPOSED", variable: "VSYNC_PASSPHRASE_FILE", path, hint: expect.any(String) };
    expect(logger.warned).toEqual(warned === null ? [] : [{ fields, message }]);
  });

  test.runIf(ROOT)("of another user, with a warning", async () => {
    const vault = await directoryVault();
    const path = await fileOf(vault.passphrase);
    await chown(path, 65534, 65534);
    const logger = collecting();
    await open(vault, { env: { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: path }, logger });
    expect(logger.warned.map(({ message }) => message)).toEqual([
      expect.stringContaining("belongs to another user (uid 65534)"),
    ]);
  });

  test("and warned of as Node.js warns, where there is no logger", async () => {
    const vault = await directoryVault();
    const path = await fileOf(vault.passphrase, 0o644);
    const emit = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    try {
      await open(vault, { env: { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: path } });
      const details = { type: "VsyncWarning", code: "VSYNC_FILE_EXPOSED", detail: expect.any(String) };
      expect(emit.mock.calls).toEqual([[expect.stringContaining(path), details]]);
    } finally {
      emit.mockRestore();
    }
  });
});

test("pino and console are loggers", async () => {
  const vault = await directoryVault();
  const env = { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: await fileOf(vault.passphrase, 0o644) };
  const lines: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  await open(vault, { env, logger });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      level: 40,
      code: "VSYNC_FILE_EXPOSED",
      msg: expect.stringMatching(/^vsync: VSYNC_PASS/),
    }),
    expect.objectContaining({ level: 20, gen: 1, env: "prod", msg: "vsync: opened [vsync gen=1 env=prod]" }),
  ]);
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
  vi.spyOn(console, "debug").mockImplementation(() => {});
  await open(vault, { env, logger: console });
  expect(warn).toHaveBeenCalledTimes(1);
});

async function put(folder: string, content: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(folder, "secret");
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

async function large(folder: string, bytes: number): Promise<string> {
  const path = await put(folder, "");
  await truncate(path, bytes);
  return path;
}

async function circle(folder: string): Promise<string> {
  const path = join(folder, "circle");
  await symlink("circle", path);
  return path;
}

async function pipe(folder: string): Promise<string> {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", ["-m", "600", path]);
  return path;
}
