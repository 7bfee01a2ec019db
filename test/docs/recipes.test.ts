/** @module-tag process */
import { expect, test } from "vitest";
import { parse } from "yaml";
import { installProgram, type Ran, Shell } from "../support/program/shell.ts";
import { openVaultHome, type VaultHome } from "../support/program/vault-home.ts";
import { readPage } from "./page.ts";

/*
 * The recipes of docs/tokens.md that another program reads: a step of a workflow, and a resource of Terraform. The parsers
 * of HCL on npm are archived, or bring a native library, so this reads the blocks and attributes that the recipe uses, and
 * refuses the rest.
 */

async function fenceOf(language: string): Promise<string> {
  const [, text] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(await readPage("docs/tokens.md")) ?? [];
  return text ?? expect.unreachable(`docs/tokens.md has no ${language}`);
}

async function shellOf(home: VaultHome, env: Readonly<Record<string, string>>): Promise<Shell> {
  await installProgram(home.sandbox);
  return new Shell({ sandbox: home.sandbox, env });
}

async function pushed(): Promise<VaultHome> {
  const home = await openVaultHome();
  await home.push({ DATABASE_URL: "postgres://db.internal/app", STRIPE_KEY: "sk_live_0123" });
  return home;
}

test("the step of a workflow runs its script with what the token reads", async () => {
  await using home = await pushed();
  const { stdout: token } = await home.must("tokens", "create", "prod", "--only=DATABASE_URL", "--expires=never");
  const [step, ...others] = parse(await fenceOf("yaml"));
  expect([others, Object.keys(step)]).toEqual([[], ["run", "env"]]);
  expect(step.env).toEqual({ VSYNC_CONFIG: "${{ secrets.VSYNC_CONFIG }}" });
  const script = `#!/bin/sh\necho "$DATABASE_URL \${STRIPE_KEY:-and no more}"\n`;
  await home.sandbox.write("work/deploy.sh", script, 0o700);
  await using shell = await shellOf(home, { VSYNC_CONFIG: token.trim() });
  expect(await shell.run(step.run)).toMatchObject({ stdout: "postgres://db.internal/app and no more\n", exitCode: 0 });
});

test("the resource of Terraform makes one token however often it is applied, and ends it when it is destroyed", async () => {
  await using home = await pushed();
  const resource = blocksOf(await fenceOf("hcl"));
  expect(resource.map(({ head }) => head)).toEqual(['resource "terraform_data" "api_token"']);
  const provisioners = resource[0]?.blocks ?? [];
  expect(provisioners.map(({ head }) => head)).toEqual(Array(2).fill('provisioner "local-exec"'));
  const commandFor = (when?: string): string => {
    const command = provisioners.find(({ attributes }) => attributes["when"] === when)?.attributes["command"];
    return JSON.parse(command ?? expect.unreachable());
  };
  await using shell = await shellOf(home, home.env);
  const run = async (command: string): Promise<Ran> => {
    const ran = await shell.run(command);
    expect(ran.exitCode, ran.stderr).toBe(0);
    return ran;
  };
  const live = async (): Promise<string[]> =>
    JSON.parse((await run("vsync tokens list prod --json")).stdout).tokens.map(({ name }: { name: string }) => name);
  await run(commandFor());
  expect((await run(commandFor())).stderr).toContain("nothing to do");
  expect(await live()).toEqual(["api"]);
  expect((await run("VSYNC_CONFIG=$(cat api.token) VSYNC_PASSPHRASE= vsync list")).stdout).toBe("DATABASE_URL\n");
  await run(commandFor("destroy"));
  expect(await live()).toEqual([]);
  await run(commandFor());
  expect(await live()).toEqual(["api"]);
});

interface Block {
  /** `resource "terraform_data" "api_token"` */
  readonly head: string;
  /** As written, with strings in quotes. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly blocks: readonly Block[];
}

/** Blocks of HCL whose attributes are words, and strings without templates. */
function blocksOf(hcl: string): Block[] {
  const top: Block & { blocks: Block[] } = { head: "", attributes: {}, blocks: [] };
  const open = [top];
  for (const line of hcl.trimEnd().split("\n")) {
    const inner = open.at(-1) as typeof top & { attributes: Record<string, string> };
    const [, head] = /^ *(\w+(?: "\w[\w-]*")*) \{$/.exec(line) ?? [];
    const [, name, value] = /^ *(\w+) += (\w+|"[^"\\$%]*")$/.exec(line) ?? [];
    if (head !== undefined) {
      open.push({ head, attributes: {}, blocks: [] });
      inner.blocks.push(open.at(-1) as Block);
    } else if (name !== undefined && value !== undefined) inner.attributes[name] = value;
    else {
      expect(line.trim()).toBe("}");
      open.pop();
    }
  }
  expect(open).toEqual([top]);
  return top.blocks;
}
