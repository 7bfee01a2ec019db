import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMAND_LOADERS } from "../../src/commands.ts";
import { type Machine, machineOnDisk } from "./rotation-fixture.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGE = join(ROOT, "docs/rotation.md");
const text = await readFile(PAGE, "utf8");

/** The shell blocks of each section that has some. */
function sections(): [title: string, blocks: string[]][] {
  const parts = text.split(/^## /m).slice(1);
  const found = parts.map((part): [string, string[]] => {
    const blocks = part.matchAll(/^( *)```sh\n([\s\S]*?)^\1```$/gm);
    const title = part.slice(0, part.indexOf("\n"));
    return [title, Array.from(blocks, ([, indent = "", lines = ""]) => lines.replaceAll(`\n${indent}`, "\n").trim())];
  });
  return found.filter(([, blocks]) => blocks.length > 0);
}

async function shell(machine: Machine, script: string): Promise<{ said: string; exitCode: number | null }> {
  const { folder, home, work } = machine.sandbox;
  const env = { ...machine.env, HOME: home, PATH: `${folder}/bin:/usr/local/bin:/usr/bin:/bin` };
  const child = spawn("sh", ["-e", "-c", script], { cwd: work, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  }
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { said, exitCode };
}

describe("docs/rotation.md", () => {
  test.each(sections())("%s: every command line runs, in its order", async (_title, blocks) => {
    await using machine = await machineOnDisk();
    const program = resolve(ROOT, process.env["VSYNC_TEST_BIN"] ?? "bin/run.js");
    const command = program.endsWith(".js") ? `"${process.execPath}" "${program}"` : `"${program}"`;
    await machine.sandbox.write("bin/vsync", `#!/bin/sh\nexec ${command} "$@"\n`, 0o700);
    await machine.sandbox.write("work/.env.prod", "DATABASE_URL=postgres://elsewhere\n");
    const { said, exitCode } = await shell(machine, blocks.join("\n"));
    expect(exitCode, said).toBe(0);
  });

  test("it names commands that there are", () => {
    const known = Object.keys(COMMAND_LOADERS).map((id) => id.replace(":", " "));
    const named = [...text.matchAll(/(?:`|^ *)vsync (audit [a-z]{4,}|[a-z-]+)/gm)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThan(20);
    for (const name of new Set(named)) expect(known).toContain(name.replace(/^audit prod$/, "audit"));
  });

  test("its links lead somewhere", async () => {
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    );
    for (const [, target = ""] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith("#")) expect(headings).toContain(target.slice(1));
      else await access(join(dirname(PAGE), target));
    }
  });
});
