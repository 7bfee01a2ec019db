import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FAILURES } from "../../src/exit-codes.ts";

const repository = join(import.meta.dirname, "../..");
const GENERATED = [
  "oclif.manifest.json",
  "docs/cli.md",
  "docs/exit-codes.md",
  "docs/performance.md",
  "docs/performance/open.svg",
  "docs/reliability.md",
  "docs/rotate-passphrase.svg",
];
const TABLE = "src/commands.ts";
const COMMANDS = `
import { BaseCommand } from "./cli/command/base-command.ts";
import { arg, Flags } from "./cli/command/flags.ts";
import { ROTATE_EXIT_CODES } from "./exit-codes.ts";
class Push extends BaseCommand {
  static summary = "Seal a dotenv file";
  static description = "Takes what --from names, or else VSYNC_FROM.";
  static args = { env: arg("where to") };
  static flags = {
    from: Flags.string({ helpValue: "<path>", default: async () => process.cwd(), noCacheDefault: true }),
    quiet: Flags.boolean({ char: "q", description: "say \`nothing\`", exclusive: ["from"] }),
    hush: Flags.boolean({ hidden: true }),
  };
  static examples = ["<%= config.bin %> <%= command.id %> prod --from=-"];
}
class Verify extends BaseCommand {
  static summary = "Check every row";
  static exitCodes = ROTATE_EXIT_CODES;
}
export const COMMANDS = { "DAY TO DAY": { push: async () => Push }, AUDIT: { "audit:verify": async () => Verify } };
`;
/** The sources of docs/reliability.md. */
const FAULTS = ["lab/faults/campaign/results.ts", "lab/faults/campaign/results.json"];

let root: string;

test("the page of measurements is made without any of its rows, too", async () => {
  const { performance } = await import(join(repository, "scripts/generate/performance.mjs"));
  const results = JSON.parse(readFileSync(join(repository, "lab/bench/results.json"), "utf8"));
  const { rows } = results as { rows: readonly { readonly group: string }[] };
  const groups = [...new Set(rows.map(({ group }) => group))];
  const fewer = [
    ...rows.map((_, at) => rows.toSpliced(at, 1)),
    ...groups.map((name) => rows.filter(({ group }) => group !== name)),
    [],
  ];
  for (const some of fewer) expect(performance({ ...results, rows: some, peers: [], herds: [] })).not.toEqual([]);
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vsync-generate-"));
  for (const path of ["package.json", "README.md", "lab/bench", "scripts", "src", ...FAULTS]) {
    await cp(join(repository, path), join(root, path), { recursive: true });
  }
  await symlink(join(repository, "node_modules"), join(root, "node_modules"));
  await mkdir(join(root, "docs"));
  await writeFile(join(root, TABLE), COMMANDS);
});

afterEach(() => rm(root, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stderr: string;
}

async function generate(...args: readonly string[]): Promise<Ended> {
  try {
    const { stderr } = await promisify(execFile)(process.execPath, ["scripts/generate.mjs", ...args], { cwd: root });
    return { code: 0, stderr };
  } catch (error) {
    return error as Ended;
  }
}

const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");

test("the check accepts fresh files and names every edited or removed one", async () => {
  expect(await generate()).toEqual({ code: 0, stderr: "" });
  expect(await generate("--check")).toEqual({ code: 0, stderr: "" });
  const [edited = "", ...removed] = GENERATED;
  const text = `${await read(edited)}\n`;
  await writeFile(join(root, edited), text);
  for (const path of removed) await rm(join(root, path));
  const { code, stderr } = await generate("--check");
  expect(code).toBe(1);
  const complaints = GENERATED.map((path) => `${path} is out of date\n`).join("");
  expect(stderr).toBe(`${complaints}run: npm run generate\n`);
  expect(await read(edited)).toBe(text);
});

test("writes the numbers of README.md between their marks and leaves the rest alone", async () => {
  await generate();
  const readme = await read("README.md");
  await writeFile(join(root, "README.md"), readme.replace("| change the passphrase | ", "| change the passphrase | 1"));
  expect((await generate("--check")).stderr).toContain("README.md is out of date");
  await generate();
  expect(await read("README.md")).toBe(readme);
});

test.each([
  ["README.md", "# vsync\n", "README.md has lost the marks"],
  [TABLE, "export const COMMANDS = {};\n", "src/commands.ts names no command"],
  [TABLE, COMMANDS.replace("config.bin", "config.root"), "push: unknown template"],
])("refuses a wrong %s and writes nothing", async (path, text, complaint) => {
  await writeFile(join(root, path), text);
  const { code, stderr } = await generate();
  expect(code).toBe(1);
  expect(stderr).toContain(complaint);
  await expect(read("docs/cli.md")).rejects.toThrow("ENOENT");
});

test("the manifest does not depend on the machine", async () => {
  await generate();
  const manifest = await read("oclif.manifest.json");
  expect(Object.keys(JSON.parse(manifest).commands)).toEqual(["audit:verify", "push"]);
  expect(manifest).not.toContain(root);
});

test("the command reference shows usage, arguments, flags, exit codes and examples, but no hidden flags", async () => {
  await generate();
  const page = await read("docs/cli.md");
  expect(page).toContain("## vsync audit verify");
  expect(page).toContain("```sh\nvsync push [ENV] [flags]\n```");
  expect(page).toContain("Takes what `--from` names, or else `VSYNC_FROM`.");
  expect(page).toContain("- `ENV` where to\n");
  expect(page).toContain("- `--from=<path>`\n- `-q, --quiet` say `nothing` (not with `--from`)\n");
  expect(page).toContain("**Examples**\n\n```sh\nvsync push prod --from=-\n```");
  expect(page).toContain("**Exit codes**\n\n- `0` rotated");
  expect(page).not.toContain("hush");
});

test("the page of exit codes lists the commands with their own, and every error", async () => {
  await generate();
  const page = await read("docs/exit-codes.md");
  expect(page).toContain("`audit verify`:\n\n- **0** rotated");
  expect(page).toContain("Every other command:\n\n- **0** done\n");
  expect(page).toContain("| `ConflictError` | `CONFLICT` | 3 | 5 | The vault or a local file");
  expect(page.match(/^\| `\w+Error` \|/gm)).toHaveLength(Object.keys(FAILURES).length);
});
