import { once } from "node:events";
import { connect } from "node:net";

/** A client without a signature, in a process of its own: what it takes to send a body is not the server's work. */
export interface UnsignedJob {
  readonly port: number;
  readonly bytes: number;
  readonly times: number;
}

process.on("disconnect", () => process.exit());
process.on("message", (job: UnsignedJob) => void work(job));

async function work({ port, bytes, times }: UnsignedJob): Promise<void> {
  const body = Buffer.alloc(bytes);
  for (let time = 0; time < times; time++) await refused(port, body);
  process.send?.("done");
}

/** Until the answer is there. */
async function refused(port: number, body: Buffer): Promise<void> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  socket.write(`POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  await once(socket, "data");
  socket.destroy();
}
