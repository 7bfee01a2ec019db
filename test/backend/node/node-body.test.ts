import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import {
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  createServer as createHttp2Server,
} from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { readNodeBody } from "../../../src/backend/node/node-body.ts";

const HEAD = "POST / HTTP/1.1\r\nhost: a\r\n";
const SIZED = `${HEAD}content-length: 4\r\n\r\n`;
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;
const LAST_CHUNK = "0\r\n\r\n";

/** A request that has arrived as far as the client has written it. */
async function arriving(bytes: string): Promise<[request: IncomingMessage, client: Socket]> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => undefined);
  onTestFinished(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  const arrived = once(server, "request") as Promise<[IncomingMessage]>;
  client.write(bytes);
  const [request] = await arrived;
  return [request, client];
}

/** The same over HTTP/2, with a function that resets the stream, and the client's side of it. */
async function arrivingOverHttp2(): Promise<[request: IncomingMessage, reset: () => void, stream: ClientHttp2Stream]> {
  const server = createHttp2Server();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  const arrived = once(server, "request") as Promise<[unknown]>;
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.on("error", () => undefined).write("ab");
  const [request] = await arrived;
  return [request as IncomingMessage, () => stream.close(constants.NGHTTP2_CANCEL), stream];
}

const textOf = async (read: Promise<Uint8Array>): Promise<string> => new TextDecoder().decode(await read);
const untilComplete = async (request: IncomingMessage): Promise<void> => {
  while (!request.complete) await new Promise(setImmediate);
};

describe("body_already_read is the refusal of a body that something", () => {
  test.each<[string, string, (request: IncomingMessage) => unknown, string]>([
    ["reads", SIZED, (request) => request.resume(), "abcd"],
    [
      "read in part",
      `${SIZED}ab`,
      async (request) => {
        await once(request, "readable");
        return request.read(1);
      },
      "cd",
    ],
    [
      "read, although it was empty",
      CHUNKED + LAST_CHUNK,
      (request) =>
        once(
          request.on("readable", () => request.read()),
          "end",
        ),
      "",
    ],
  ])("%s", async (_, begins, reads, rest) => {
    const [request, client] = await arriving(begins);
    await reads(request);
    const read = readNodeBody(request, 4);
    client.write(rest);
    await expect(read).rejects.toMatchObject({ code: "body_already_read" });
  });
});

describe("if the client goes away", () => {
  const arrivals = {
    "HTTP/1.1": async () => {
      const [request, client] = await arriving(`${SIZED}ab`);
      return [request, () => void client.resetAndDestroy()] as const;
    },
    "HTTP/2": arrivingOverHttp2,
  };
  const gone = { code: "body_hash_mismatch", message: "the client went away" };
  const refusal = async (read: Promise<Uint8Array>): Promise<unknown> => {
    return Promise.race([read.catch((error: unknown) => error), new Promise(setImmediate)]);
  };

  test.each(Object.entries(arrivals))("over %s before its body is read, it is refused at once", async (_, arrive) => {
    const [request, leave] = await arrive();
    const closed = new Promise((resolve) => request.on("close", resolve));
    leave();
    await closed;
    expect(await refusal(readNodeBody(request, 4))).toMatchObject(gone);
  });

  test("while its body is read, it is refused", async () => {
    const [request, leave] = await arrivals["HTTP/1.1"]();
    const read = readNodeBody(request, 4);
    const closed = new Promise((resolve) => request.on("close", resolve));
    leave();
    await closed;
    expect(await refusal(read)).toMatchObject(gone);
  });
});

test.each(["", "abcd"])("the body %j that came before it was asked for is read, and given back", async (body) => {
  const chunk = body === "" ? "" : `4\r\n${body}\r\n`;
  const [request] = await arriving(CHUNKED + chunk + LAST_CHUNK);
  await untilComplete(request);
  expect(await textOf(readNodeBody(request, 4))).toBe(body);
  expect(await text(request)).toBe(body);
});

describe("a body that has reached the maximum", () => {
  async function full(): Promise<{ request: IncomingMessage; client: Socket; read: Promise<Uint8Array> }> {
    const [request, client] = await arriving(CHUNKED);
    const read = readNodeBody(request, 4);
    const taken = once(request, "data");
    client.write("4\r\nabcd\r\n");
    await taken;
    return { request, client, read };
  }

  test("is read to its end, and given back", async () => {
    const { request, client, read } = await full();
    client.write(LAST_CHUNK);
    expect(await textOf(read)).toBe("abcd");
    expect(await text(request)).toBe("abcd");
  });

  test("and goes on is not taken for its first part, and is read no further", async () => {
    const { client, read } = await full();
    client.write("1\r\ne\r\n");
    expect(await textOf(read)).toBe("abcde");
  });
});

test("a body whose encoding something has set is read as its bytes", async () => {
  const [request] = await arriving(`${SIZED}éé`);
  request.setEncoding("utf8");
  await untilComplete(request);
  expect(await textOf(readNodeBody(request, 4))).toBe("éé");
  expect(await text(request)).toBe("éé");
});

test("over HTTP/2, a body that is too long is given back once, also if its end comes later", async () => {
  const [request, , stream] = await arrivingOverHttp2();
  expect(await textOf(readNodeBody(request, 1))).toBe("ab");
  stream.end();
  // The server has had the end that came before.
  for (let pings = 0; pings < 3; pings++) await new Promise((resolve) => stream.session?.ping(resolve));
  expect(request.readableLength).toBe(2);
});
