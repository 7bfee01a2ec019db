/** @module-tag process */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeItems } from "../../../src/cli/export/formats.ts";
import { readDockerEnv } from "../../../src/cli/import/flat.ts";
import { ImportedItems } from "../../../src/cli/import/imported-items.ts";
import { SEED, secretsOf, value, valuesByName } from "../exported-items.ts";

const works = (...args: string[]): boolean => spawnSync("docker", args, { stdio: "ignore" }).status === 0;
const hasDocker = works("--version");
const hasCompose = hasDocker && works("compose", "version");
if (!hasDocker) console.log("no docker on this machine: only docker's documented rule reads the env files back");
if (!hasCompose)
  console.log("no docker compose on this machine: `docker compose config` did not read the env files back");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vsync-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

const values = valuesByName(value.filter((text) => !text.includes("\n") && !text.endsWith("\r")));

async function written(entries: Readonly<Record<string, string>>): Promise<string> {
  const path = join(folder, "prod.env");
  await writeFile(path, encodeItems(secretsOf(entries), "docker", {}));
  return path;
}

test("docker's documented rule reads the same values", () => {
  fc.assert(
    fc.property(values, (entries) => {
      if (Object.keys(entries).length === 0) return;
      const imported = new ImportedItems("prod.env", { renames: new Map(), isUpper: false });
      readDockerEnv(encodeItems(secretsOf(entries), "docker", {}), "prod.env", imported);
      const read = imported.finish().items.map(({ name, data }) => [name, data.exposeText()] as const);
      expect(Object.fromEntries(read)).toEqual(entries);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

describe.runIf(hasDocker)("docker itself", () => {
  let daemon: Server;
  let received: { Env: readonly string[] | null };

  /** The part of the daemon's API that `docker create` needs; it records the requests. */
  beforeAll(async () => {
    daemon = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on("data", (chunk: Buffer) => chunks.push(chunk))
        .on("end", () => {
          response.setHeader("Api-Version", "1.41").setHeader("Content-Type", "application/json");
          if (!request.url?.includes("/containers/create")) return response.end("{}");
          received = JSON.parse(Buffer.concat(chunks).toString()) as typeof received;
          return response.writeHead(201).end(JSON.stringify({ Id: "c", Warnings: [] }));
        });
    }).listen(0, "127.0.0.1");
    await once(daemon, "listening");
  });
  afterAll(() => void daemon.close());

  async function environmentOf(path: string): Promise<readonly string[]> {
    const host = `tcp://127.0.0.1:${(daemon.address() as AddressInfo).port}`;
    const env = { PATH: process.env["PATH"], HOME: folder };
    const child = spawn("docker", ["--host", host, "create", "--env-file", path, "image"], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
    expect(await once(child, "close")).toEqual([0, null]);
    return received.Env ?? [];
  }

  test("sends the daemon the same values", async () => {
    await fc.assert(
      fc.asyncProperty(values, async (entries) => {
        const env = Object.entries(entries).map(([name, text]) => `${name}=${text}`);
        expect((await environmentOf(await written(entries))).toSorted()).toEqual(env.toSorted());
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  test("accepts the longest exported line", async () => {
    const entries = { A: "x".repeat(65_533), B: "1" };
    expect(await environmentOf(await written(entries))).toEqual([`A=${entries.A}`, "B=1"]);
  });
});

test.runIf(hasCompose)("docker compose config shows the same values, with `format: raw`", async () => {
  await fc.assert(
    fc.asyncProperty(values, async (entries) => {
      const service = { image: "image", env_file: [{ path: await written(entries), format: "raw" }] };
      await writeFile(join(folder, "compose.json"), JSON.stringify({ name: "x", services: { app: service } }));
      const args = ["compose", "-f", join(folder, "compose.json"), "config", "--format=json", "--no-interpolate"];
      const { stdout } = spawnSync("docker", args, { encoding: "utf8" });
      expect(JSON.parse(stdout).services.app.environment ?? {}).toEqual(entries);
    }),
    { seed: SEED, numRuns: 20 },
  );
});
