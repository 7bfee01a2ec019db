import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const repository = join(import.meta.dirname, "../..");
const GENERATED = [
  "oclif.manifest.json",
  "docs/cli.md",
  "docs/exit-codes.md",
  "docs/performance.md",
  "docs/performance/open.svg",
  "docs/reliability.md",
];
const TABLE = "src/commands.ts";
const COMMANDS = `
import { Args, Command, Flags } from "@oclif/core";
class Push extends Command {
  static summary = "Seal a dotenv file";
  static description = "Takes what --from names, or else VSYNC_FROM.";
  static args = { env: Args.string({ required: true, description: "where to" }) };
  static flags = {
    from: Flags.string({ helpValue: "<path>", default: async () => process.cwd(), noCacheDefault: true }),
    quiet: Flags.boolean({ char: "q", description: "say \`nothing\`", exclusive: ["from"] }),
    hush: Flags.boolean({ hidden: true }),
  };
  static examples = ["<%= config.bin %> <%= command.id %> prod --from=-"];
}
class Verify extends Command {
  static summary = "Check every row";
}
export const COMMAND_LOADERS = { push: async () => Push, "audit:verify": async () => Verify };
`;

interface Ended {
  readonly code: number;
  readonly stderr: string;
}

/** What the page of faults is made of. */
const FAULTS = ["lab/faults/campaign/results.ts", "lab/faults/campaign/results.json"];

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vsync-generate-"));
  for (const path of ["package.json", "README.md", "bench", "scripts", "src", ...FAULTS]) {
    await cp(join(repository, path), join(root, path), { recursive: true });
  }
  await symlink(join(repository, "node_modules"), join(root, "node_modules"));
  await mkdir(join(root, "docs"));
  await writeFile(join(root, TABLE), COMMANDS);
});

afterEach(() => rm(root, { recursive: true }));

async function generate(...args: readonly string[]): Promise<Ended> {
  try {
    const { stderr } = await promisify(execFile)(process.execPath, ["scripts/generate.mjs", ...args], { cwd: root });
    return { code: 0, stderr };
  } catch (error) {
    return error as Ended;
  }
}

const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");

test("what was just written passes the check", async () => {
  expect(await generate()).toEqual({ code: 0, stderr: "" });
  expect(await generate("--check")).toEqual({ code: 0, stderr: "" });
});

test.each(GENERATED)("the check names %s where it was edited, and leaves it alone", async (path) => {
  await generate();
  const edited = `${await read(path)}\n`;
  await writeFile(join(root, path), edited);
  const { code, stderr } = await generate("--check");
  expect(code).toBe(1);
  expect(stderr).toBe(`${path} is not what the source says\nwrite it afresh with: npm run generate\n`);
  expect(await read(path)).toBe(edited);
});

test.each(GENERATED)("the check names %s where it is missing", async (path) => {
  await generate();
  await rm(join(root, path));
  const { code, stderr } = await generate("--check");
  expect(code).toBe(1);
  expect(stderr).toContain(`${path} is not what the source says`);
});

test("the readme's numbers are written afresh between their marks, and nothing else", async () => {
  await generate();
  const readme = await read("README.md");
  await writeFile(join(root, "README.md"), readme.replace("| change the passphrase | ", "| change the passphrase | 1"));
  expect((await generate("--check")).stderr).toContain("README.md is not what the source says");
  await generate();
  expect(await read("README.md")).toBe(readme);
});

test("a readme without the marks is refused by name", async () => {
  await writeFile(join(root, "README.md"), "# vsync\n");
  const { code, stderr } = await generate();
  expect(code).toBe(1);
  expect(stderr).toContain("README.md has lost the marks");
});

test("without a command table it says what is missing and writes nothing", async () => {
  await rm(join(root, TABLE));
  const { code, stderr } = await generate();
  expect(code).toBe(1);
  expect(stderr).toContain(TABLE);
  await expect(read("docs/cli.md")).rejects.toThrow("ENOENT");
});

test("an empty command table is refused", async () => {
  await writeFile(join(root, TABLE), "export const COMMAND_LOADERS = {};\n");
  const { code, stderr } = await generate();
  expect(code).toBe(1);
  expect(stderr).toContain("src/commands.ts names no command");
});

test("a help text with a template that is not known is refused", async () => {
  await writeFile(join(root, TABLE), COMMANDS.replace("config.bin", "config.root"));
  const { code, stderr } = await generate();
  expect(code).toBe(1);
  expect(stderr).toContain("push: unknown template");
});

test("the manifest holds nothing of the machine it was made on", async () => {
  await generate();
  const manifest = await read("oclif.manifest.json");
  expect(Object.keys(JSON.parse(manifest).commands)).toEqual(["audit:verify", "push"]);
  expect(manifest).not.toContain(root);
});

test("the command reference shows usage, arguments, flags and examples, and hides what is hidden", async () => {
  await generate();
  const page = await read("docs/cli.md");
  expect(page).toContain("## vsync audit verify");
  expect(page).toContain("```sh\nvsync push ENV [flags]\n```");
  expect(page).toContain("Takes what `--from` names, or else `VSYNC_FROM`.");
  expect(page).toContain("- `ENV` where to\n");
  expect(page).toContain("- `--from=<path>`\n- `-q, --quiet` say `nothing` (not with `--from`)\n");
  expect(page).toContain("**Examples**\n\n```sh\nvsync push prod --from=-\n```");
  expect(page).not.toContain("hush");
});

test("the page of exit codes has the row of every error", async () => {
  await generate();
  const page = await read("docs/exit-codes.md");
  expect(page).toContain("| `ConflictError` | `CONFLICT` | 5 | 3 | 5 | A conditional write found another state");
  expect(page).toContain("- `rotate-passphrase`: **0** done, **1** input,");
});
