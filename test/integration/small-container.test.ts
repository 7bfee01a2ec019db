import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { binary, NODE_PROGRAM, ROOT } from "../binary/built.ts";
import { directoryVault } from "../runtime/fixture.ts";
import { canLimit, SmallContainer } from "../support/small-container.ts";

const LIBRARY = `
  import { Vsync } from ${JSON.stringify(join(ROOT, "dist/runtime/index.js"))};
  await using vault = await Vsync.open();
  process.stdout.write(vault.require("API_KEY"));`;
const PROGRAMS: readonly (readonly [string, () => readonly string[]])[] = [
  ["the binary", () => [binary(), "run", "--", "printenv", "API_KEY"]],
  ["bin/run.js", () => [...NODE_PROGRAM, "run", "--", "printenv", "API_KEY"]],
  ["the library", () => [process.execPath, "--input-type=module", "-e", LIBRARY]],
];

/** Argon2id needs 64 MiB for itself. */
test.skipIf(!canLimit()).each(PROGRAMS)("%s boots with a scoped token in a container of 64 MiB", async (_, program) => {
  using container = new SmallContainer(64);
  const [command = "", ...args] = container.around(program());
  const token = await (await directoryVault()).token();
  const env = { PATH: process.env["PATH"], VSYNC_CONFIG: token.config };
  const { stdout } = await promisify(execFile)(command, args, { env });
  expect(stdout.trim()).toBe("sk_test_planted_0123456789");
});

test.skipIf(!canLimit())("where the passphrase does not open the vault", async () => {
  using container = new SmallContainer(64);
  const [command = "", ...args] = container.around(PROGRAMS[0]?.[1]() ?? []);
  const vault = await directoryVault({ cost: { memoryKiB: 64 * 1024, iterations: 3, parallelism: 4 } });
  const env = { PATH: process.env["PATH"], VSYNC_CONFIG: vault.config, VSYNC_PASSPHRASE: vault.passphrase };
  await expect(promisify(execFile)(command, args, { env })).rejects.toMatchObject({ signal: "SIGKILL" });
});
