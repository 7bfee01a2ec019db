import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Hole extends AsyncDisposable {
  readonly port: number;
}

const CONNECT_LIMIT_MS = 500;
const LISTENER = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/**
 * A loopback address that drops everything: it listens but never accepts, and its queue is full, so the kernel answers no
 * further SYN. A connection is neither refused nor made.
 */
export async function openBlackHole(): Promise<Hole> {
  const child = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "inherit"] });
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(chunk.toString());
  const queued: Socket[] = [];
  while (await connects(port, queued));
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of queued) socket.destroy();
      child.kill("SIGKILL");
      await once(child, "close");
    },
  };
}

function connects(port: number, queued: Socket[]): Promise<boolean> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  queued.push(socket);
  return new Promise((resolve) => {
    // After a stall, a connection that was made in the meantime comes first.
    const limit = setTimeout(() => setImmediate(resolve, false), CONNECT_LIMIT_MS);
    socket.once("connect", () => {
      clearTimeout(limit);
      resolve(true);
    });
  });
}

/** A server that handles connections as told and keeps them open. */
export async function openServer(onData: (socket: Socket) => void): Promise<Hole> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("data", () => onData(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
