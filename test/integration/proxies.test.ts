import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { directoryVault, temporaryFolder } from "../runtime/fixture.ts";
import { COMPILE_CACHE } from "../support/compile-cache.ts";

/* Both reverse proxies that the examples configure, as processes between a client that writes bytes and an origin. */

const SETTINGS = {
  backends: [{ id: "api" }],
  routes: [
    { id: "files", method: "*", path: "/files/*", body: "unsigned" },
    { id: "item", method: "GET", path: "/items/{id}" },
    { id: "live", method: "GET", path: "/live", upgrade: true },
  ],
};
const PERMISSIONS = ["api.gateway.sign", "api.tokens.verify"];
const SOURCES = join(import.meta.dirname, "../../src");

/** The program, which prints its port, and its arguments and variables. */
const PROXIES: Readonly<Record<string, (origin: string) => Promise<readonly [string, string[], NodeJS.ProcessEnv]>>> = {
  "vsync dev-gateway": async (origin) => [join(import.meta.dirname, "behind-gateway-process.ts"), [origin], {}],
  "examples/gateway.mjs": async (origin) => {
    const program = await readFile(join(SOURCES, "../examples/gateway.mjs"), "utf8");
    const file = join(await temporaryFolder(), "gateway.mjs");
    const library = pathToFileURL(join(SOURCES, "backend/gateway/index.ts")).href;
    const says = "process.send(server.address().port); process.on('disconnect', () => process.exit());";
    await writeFile(
      file,
      `${program.replace('"vsync/gateway"', JSON.stringify(library))}\nserver.on("listening", () => { ${says} });`,
    );
    return [file, [], { PORT: "0", ORIGINS: JSON.stringify({ api: origin }) }];
  },
};

let config: string;
beforeEach(async () => {
  const vault = await directoryVault();
  await vault.settings(SETTINGS);
  await vault.rotateGatewayKeys();
  config = (await vault.token({ name: "gateway", permissions: PERMISSIONS })).config;
});

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe.each(Object.entries(PROXIES))("%s", (_, programOf) => {
  /**
   * @returns the port of a proxy in front of the origin
   */
  async function before(origin: Server): Promise<number> {
    const [file, args, env] = await programOf(`http://127.0.0.1:${await listening(origin)}`);
    const child = fork(file, args, {
      execArgv: COMPILE_CACHE,
      env: { PATH: process.env["PATH"], VSYNC_CONFIG: config, NOW_MS: String(Date.now()), ...env },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return Number((await once(child, "message"))[0]);
  }

  const head = (port: number, method: string, target: string, more: string): string =>
    `${method} ${target} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${more}\r\n`;

  test("an unsigned body stays one body with any method: nothing in it becomes a request", async () => {
    const seen: string[] = [];
    const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      seen.push(`${request.method} ${request.url} ${await text(request)}`);
      response.end("served");
    };
    const port = await before(createServer((request, response) => void serve(request, response)));
    const inner = "GET /admin HTTP/1.1\r\nhost: a\r\n\r\n";
    const methods = ["GET", "DELETE", "OPTIONS", "PUT"];
    for (const method of methods) {
      const socket = connect(port, "127.0.0.1");
      socket.write(head(port, method, "/files/a", "transfer-encoding: chunked\r\nconnection: close\r\n"));
      socket.write(`${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`);
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(seen).toEqual(methods.map((method) => `${method} /files/a ${inner}`));
  });

  test("an upload that its client gives up is given up at the origin", async () => {
    const origin = createServer();
    const port = await before(origin);
    const arrived = once(origin, "request") as Promise<[IncomingMessage, ServerResponse]>;
    const client = connect(port, "127.0.0.1");
    client.write(head(port, "PUT", "/files/a", "content-length: 10\r\n"));
    client.write("half");
    const [request, response] = await arrived;
    const ended = new Promise((resolve) => response.on("close", resolve));
    await once(request, "readable");
    client.resetAndDestroy();
    await ended;
    expect(request.complete).toBe(false);
  });

  test("a response that its client no longer wants ends at the origin", async () => {
    const origin = createServer();
    const port = await before(origin);
    const arrived = once(origin, "request") as Promise<[IncomingMessage, ServerResponse]>;
    const client = connect(port, "127.0.0.1");
    client.write(head(port, "GET", "/items/7", ""));
    const [, response] = await arrived;
    response.write("the first half");
    await once(client, "data");
    const ended = new Promise((resolve) => response.on("close", resolve));
    client.resetAndDestroy();
    await ended;
    expect(response.writableFinished).toBe(false);
  });

  test("a response that breaks off at the origin breaks off for the client", async () => {
    const origin = createServer();
    const port = await before(origin);
    const arrived = once(origin, "request") as Promise<[IncomingMessage, ServerResponse]>;
    const client = connect(port, "127.0.0.1");
    client.on("error", () => undefined);
    client.write(head(port, "GET", "/items/7", ""));
    const [, response] = await arrived;
    response.write("the first half");
    await once(client, "data");
    const closed = new Promise((resolve) => client.on("close", resolve));
    response.destroy();
    await closed;
  });

  test("a client that gives up its upgrade leaves no connection to the origin", async () => {
    const origin = createServer();
    const port = await before(origin);
    const arrived = once(origin, "upgrade") as Promise<[IncomingMessage, Socket]>;
    const client = connect(port, "127.0.0.1");
    client.write(head(port, "GET", "/live", "connection: Upgrade\r\nupgrade: chat\r\n"));
    const [, socket] = await arrived;
    socket.on("error", () => undefined).resume();
    // Its own half stays open until it closes that too.
    const ended = new Promise((resolve) => socket.on("end", resolve).on("close", resolve));
    client.resetAndDestroy();
    await ended;
  });
});
