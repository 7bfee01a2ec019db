import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { initFromEnv } from "../../src/backend/init.ts";
import type { TunnelOptions } from "../../src/backend/tunnel.ts";
import { SupervisedProgram } from "../../src/runtime/supervised-program.ts";
import { directoryVault, temporaryFolder } from "../runtime/fixture.ts";

/* Tunnels are real processes: programs that record in a file what happens to them. */

let file: string;
let log: string[];
beforeEach(async () => {
  file = join(await temporaryFolder(), "what");
  log = [];
});

const HEAD = `const write = (text) => require("fs").appendFileSync(process.argv[1], text + "\\n");`;
const STAYS = "setInterval(() => {}, 1000);";
const commandOf = (script: string): TunnelOptions["command"] => [process.execPath, "-e", HEAD + script, file];

function tunnel(script: string, options: Partial<TunnelOptions> = {}, graceMs = 60_000): SupervisedProgram {
  const times = { restartMs: 1, longestMs: 60_000, graceMs };
  const made = new SupervisedProgram({ command: commandOf(script), ...options }, (message) => log.push(message), times);
  onTestFinished(() => made.stop());
  return made;
}

const written = () => readFile(file, "utf8").catch(() => "");

describe("a tunnel", () => {
  test("restarts each time it ends, until it is stopped", async () => {
    const running = tunnel(`write("start"); process.on("SIGTERM", () => { write("end"); process.exit(); });
      if (require("fs").readFileSync(process.argv[1], "utf8").length > 15) { write("up"); ${STAYS} } else process.exit(3);`);
    await running.start();
    await expect.poll(written).toBe("start\nstart\nstart\nup\n");
    expect(running.status).toBe("running");
    expect(log.map((line) => line.replace(process.execPath, "node"))).toEqual([
      "node ended with 3, and restarts in 1 ms",
      "node ended with 3, and restarts in 2 ms",
    ]);
    await running.stop();
    expect([running.status, await written()]).toEqual(["stopped", "start\nstart\nstart\nup\nend\n"]);
  });

  test("that does not end when asked is killed", async () => {
    const running = tunnel(`process.on("SIGTERM", () => write("no")); write("up"); ${STAYS}`, {}, 100);
    await running.start();
    await expect.poll(written).toBe("up\n");
    await running.stop();
    expect(running.status).toBe("stopped");
  });

  test("gets no credential of the vault", async () => {
    const env = { PATH: process.env["PATH"], VSYNC_CONFIG: "a", VSYNC_TOKEN: "b", TUNNEL_NAME: "c" };
    await tunnel(`write(Object.keys(process.env).filter((it) => /VSYNC|TUNNEL/.test(it)).join()); ${STAYS}`, {
      env,
    }).start();
    await expect.poll(written).toBe("TUNNEL_NAME\n");
  });

  test("whose program is missing names it", async () => {
    const missing = new SupervisedProgram({ command: ["/none/cloudflared"] }, () => undefined);
    await expect(missing.start()).rejects.toThrow("/none/cloudflared cannot be started");
  });
});

test("a backend starts it only for the transport tunnel, and ends it on shutdown", async () => {
  const vault = await directoryVault();
  const transport = (mode: "direct" | "tunnel") => vault.settings({ backends: [{ id: "api", transport: { mode } }] });
  await transport("direct");
  const token = await vault.token({ backend: "api", capabilities: ["gateway_verification", "tunnel"] });
  const open = (config: string) => {
    const backend = initFromEnv({ env: { VSYNC_CONFIG: config } });
    onTestFinished(() => backend.shutdown());
    return backend;
  };
  expect(await open(token.config).start()).toBe(false);
  await transport("tunnel");
  const mute = await vault.token({ backend: "api", capabilities: ["gateway_verification"] });
  await expect(open(mute.config).start()).rejects.toThrow("lacks the capability tunnel");
  const backend = open(token.config);
  await expect(backend.start()).rejects.toThrow("no program is named for it");
  const command = commandOf(`write("up"); ${STAYS}`);
  expect(await Promise.all([backend.start({ command }), backend.start({ command })])).toEqual([true, true]);
  await expect.poll(written).toBe("up\n");
  // A second one would have written to the file before a third.
  execFileSync(process.execPath, commandOf(`write("later");`).slice(1));
  expect([backend.health().tunnel, await written()]).toEqual(["running", "up\nlater\n"]);
  await backend.shutdown();
  expect(backend.health().tunnel).toBe("stopped");
});
