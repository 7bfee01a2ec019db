import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { encodeToken } from "../../src/blob/token.ts";
import { Vsync } from "../../src/runtime/index.ts";
import { checkInputs } from "../../src/runtime/inputs.ts";
import { directoryVault, environmentOf, open, rejectionOf, temporaryFolder } from "./fixture.ts";
import { collectSecrets, isNotZero } from "./secrets.ts";

const PLACE = { v: 1, endpoint: "file:///nowhere", region: "local", bucket: "b", prefix: "p/", env: "prod" } as const;
const TOKEN = { VSYNC_CONFIG: encodeToken({ ...PLACE, salt: "", iterations: 1, credentials: "ambient" }) };

function collecting() {
  const warned: { readonly fields: object; readonly message: string }[] = [];
  return { warned, warn: (fields: object, message: string) => void warned.push({ fields, message }) };
}

async function fileOf(content: string | Uint8Array, mode = 0o600, name = "secret"): Promise<string> {
  const path = join(await temporaryFolder(), name);
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

  test.each([" pass phrase", "pass phrase\n", "Grüße"])("a variable counts verbatim: %j", async (value) => {
    const vault = await directoryVault({ passphrase: value });
    expect((await open(vault)).generation).toBe(1);
    const env = { ...environmentOf(vault), VSYNC_PASSPHRASE: `${value} ` };
    await expect(Vsync.open({ env })).rejects.toMatchObject({ code: "WRONG_PASSPHRASE" });
  });
});

describe("a missing input", () => {
  test.each([
    ["no token", {}, "neither VSYNC_CONFIG nor VSYNC_CONFIG_FILE is set", "VSYNC_CONFIG"],
    ["an empty token", { VSYNC_CONFIG: "" }, "VSYNC_CONFIG is empty", "VSYNC_CONFIG"],
    ["an inherited token", Object.create(TOKEN), "neither VSYNC_CONFIG nor VSYNC_CONFIG_FILE is set", "VSYNC_CONFIG"],
    ["no passphrase", TOKEN, "neither VSYNC_PASSPHRASE nor VSYNC_PASSPHRASE_FILE is set", "VSYNC_PASSPHRASE"],
    ["an empty passphrase", { ...TOKEN, VSYNC_PASSPHRASE: "" }, "VSYNC_PASSPHRASE is empty", "VSYNC_PASSPHRASE"],
    [
      "broken text",
      { ...TOKEN, VSYNC_PASSPHRASE: "\ud800" },
      "VSYNC_PASSPHRASE is not valid Unicode text",
      "VSYNC_PASSPHRASE",
    ],
  ])("%s", async (_, env, message, variable) => {
    const error = await rejectionOf(Vsync.open({ env: env as Record<string, string> }));
    expect(error).toMatchObject({ name: "ConfigMissingError", code: "CONFIG_MISSING", message });
    expect((error as { hint: string }).hint).toMatch(
      new RegExp(`set ${variable} to .*${variable}_FILE to the path of a file that holds it$`),
    );
  });

  test.each(["config", "passphrase"] as const)("an empty option %s hides the environment", async (option) => {
    const error = await rejectionOf(Vsync.open({ env: environmentOf(await directoryVault()), [option]: "" }));
    expect(error).toMatchObject({ code: "CONFIG_MISSING", message: `the option ${option} of Vsync.open is empty` });
  });
});

describe("a credential apart", () => {
  test("comes from the option, the file or the variable, in this order; an empty path counts as unset", async () => {
    const vault = await directoryVault();
    const [own, apart] = [await vault.token({ name: "own" }), await vault.token({ name: "apart" })];
    const VSYNC_TOKEN_FILE = await fileOf(`${apart.credential}\n`);
    const nameOf = async (env: Record<string, string>, options: object = {}) =>
      (await open(vault, { env: { VSYNC_CONFIG: own.config, ...env }, ...options })).token?.name;
    expect(await nameOf({ VSYNC_TOKEN_FILE })).toBe("apart");
    expect(await nameOf({ VSYNC_TOKEN_FILE, VSYNC_TOKEN: "vsrt_live_x" })).toBe("apart");
    expect(await nameOf({ VSYNC_TOKEN_FILE: "" })).toBe("own");
    expect(await nameOf({ VSYNC_TOKEN_FILE: "", VSYNC_TOKEN: apart.credential })).toBe("apart");
    expect(await nameOf({ VSYNC_TOKEN_FILE: "/nowhere" }, { token: apart.credential })).toBe("apart");
  });
});

describe("checkInputs, for callers that cannot wait", () => {
  const CREDENTIAL = { token: `vsrt_live_${"A".repeat(43)}` };
  const refused = (options: object, env: Record<string, string> = {}) => {
    try {
      checkInputs({ ...options, env });
    } catch (error) {
      return error;
    }
    return null;
  };

  test("accepts a scoped token in VSYNC_CONFIG or apart", async () => {
    const vault = await directoryVault();
    const { config, configWith, credential } = await vault.token();
    const bare = configWith({ token: undefined } as never);
    expect(refused({}, { VSYNC_CONFIG: config })).toBeNull();
    expect(refused({ config })).toBeNull();
    expect(refused({ token: credential }, { VSYNC_CONFIG: bare })).toBeNull();
    expect(refused({}, { VSYNC_CONFIG: bare, VSYNC_TOKEN: credential })).toBeNull();
    expect(refused({ token: "" }, { VSYNC_CONFIG: config })).toMatchObject({ code: "CONFIG_MISSING" });
    expect(refused(CREDENTIAL, { VSYNC_CONFIG: config })).toMatchObject({ code: "CONFIG_INVALID" });
    expect(refused({}, { VSYNC_CONFIG: bare })).toMatchObject({
      code: "CONFIG_INVALID",
      hint: expect.stringContaining("vsync tokens create --backend"),
    });
  });

  test("does not judge what is in a file", () => {
    expect(refused({}, { VSYNC_CONFIG_FILE: "/nowhere" })).toBeNull();
    expect(refused({}, { ...TOKEN, VSYNC_TOKEN_FILE: "/nowhere" })).toBeNull();
    expect(refused({}, { ...TOKEN, VSYNC_TOKEN_FILE: "" })).toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("leaves no secret behind", async () => {
    const { config } = await (await directoryVault()).token();
    const secrets = collectSecrets();
    expect(refused({ config })).toBeNull();
    expect(secrets.length).toBeGreaterThanOrEqual(3);
    expect(secrets.filter(isNotZero)).toEqual([]);
  });
});

// test/disk/given-file.test.ts covers every refused file and every mode.
describe("a file that is refused", () => {
  test.each([
    ["VSYNC_PASSPHRASE", "./none/passphrase", "./none/passphrase"],
    ["VSYNC_PASSPHRASE", "../none/passphrase", "../none/passphrase"],
    ["VSYNC_CONFIG", "/none/with space", "/none/with space"],
    ["VSYNC_PASSPHRASE", "/none/a\u001b[2Jb", '"/none/a\\u001b[2Jb"'],
  ])("stops the boot, and shows the path in %s: %j", async (variable, path, shown) => {
    const env = { ...TOKEN, VSYNC_PASSPHRASE: "not in place of the file", [`${variable}_FILE`]: path };
    expect(await rejectionOf(Vsync.open({ env }))).toMatchObject({
      code: "CONFIG_MISSING",
      message: `${variable}_FILE names ${shown}, which does not exist`,
      hint: `fix that, or unset ${variable}_FILE and give the value itself in ${variable}`,
    });
  });

  test.each(["hunter2 correct horse", "vsync-cfg-v1:H4sIAAAAAAAAA", "with\0nul", ".hunter2", "...//hunter2", "x./y"])(
    "is not shown if its path may be the value itself: %j",
    async (value) => {
      const error = (await rejectionOf(Vsync.open({ env: { ...TOKEN, VSYNC_PASSPHRASE_FILE: value } }))) as Error;
      expect(error).toMatchObject({
        code: "CONFIG_MISSING",
        message: expect.stringContaining("VSYNC_PASSPHRASE_FILE names a relative path"),
      });
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(value);
    },
  );
});

describe("a file that others can read", () => {
  test("gives one warning, with its path", async () => {
    const vault = await directoryVault();
    const path = await fileOf(vault.passphrase, 0o644, "line\nend");
    const logger = collecting();
    await open(vault, { env: { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: path }, logger });
    const shown = JSON.stringify(path);
    const message = `vsync: VSYNC_PASSPHRASE_FILE names ${shown}, which is open to other users (mode 0644)`;
    const hint = expect.stringMatching(/^make it readable only by the app's user: chmod 400/);
    const fields = { code: "VSYNC_FILE_EXPOSED", variable: "VSYNC_PASSPHRASE_FILE", path: shown, hint };
    expect(logger.warned).toEqual([{ fields, message }]);
  });

  test("gives none if nobody else can", async () => {
    const vault = await directoryVault();
    const logger = collecting();
    const env = { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: await fileOf(vault.passphrase, 0o400) };
    await open(vault, { env, logger });
    expect(logger.warned).toEqual([]);
  });

  test("warns as Node.js does without a logger", async () => {
    const vault = await directoryVault();
    const path = await fileOf(vault.passphrase, 0o644);
    const emit = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => emit.mockRestore());
    await open(vault, { env: { VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE_FILE: path } });
    const details = { type: "VsyncWarning", code: "VSYNC_FILE_EXPOSED", detail: expect.any(String) };
    expect(emit.mock.calls).toEqual([[expect.stringContaining(path), details]]);
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
