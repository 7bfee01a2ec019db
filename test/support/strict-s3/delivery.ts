import type { IncomingMessage, ServerResponse } from "node:http";
import type { Fault } from "./faults.ts";
import type { Answer } from "./operations.ts";
import { document, element } from "./xml.ts";

export interface Delivery {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The regular answer, if the request took effect. */
  readonly answer: Answer | undefined;
  readonly fault: Fault | undefined;
  readonly date: Date;
}

/** Sends the answer, altered by the fault. Returns the status that was sent, or null. */
export function deliver(delivery: Delivery): number | null {
  const { request, answer, fault } = delivery;
  switch (fault?.kind) {
    case "drop":
      request.socket.destroy();
      return null;
    case "hang":
      return null;
    case "answer":
      return send(delivery, faultyAnswer(fault), (response, body) => response.end(body));
    case "truncate":
      return sendPart(delivery, fault.bytes, (response) => response.destroy());
    case "stall":
      return sendPart(delivery, fault.bytes, () => {});
    case "drip":
      return send(delivery, must(answer), (response, body) => void drip(response, body, fault));
    case "endless":
      return send(delivery, endlessAnswer(fault), pour);
    case "delay":
    case "meanwhile":
    case undefined:
      return send(delivery, must(answer), (response, body) => response.end(body));
    default:
      return fault satisfies never;
  }
}

type Ending = (response: ServerResponse, body: Uint8Array) => void;

function send({ request, response, date }: Delivery, answer: Answer, end: Ending): number {
  // A 204 has no length; the answer to HEAD has the length of the body that it leaves out.
  const isWithout = answer.status === 204 || "Transfer-Encoding" in answer.headers;
  const length = isWithout ? {} : { "Content-Length": String(answer.body.length) };
  const always = { Date: date.toUTCString(), "x-amz-request-id": "0" };
  response.writeHead(answer.status, { ...always, ...length, ...answer.headers });
  if (request.method === "HEAD") response.end();
  else end(response, answer.body);
  return answer.status;
}

function sendPart(delivery: Delivery, bytes: number, then: (response: ServerResponse) => void): number {
  return send(delivery, must(delivery.answer), (response, body) => {
    response.write(body.subarray(0, bytes), () => then(response));
  });
}

function pour(response: ServerResponse, start: Uint8Array): void {
  const spaces = Buffer.alloc(64 * 1024, " ");
  const more = (): void => {
    while (!response.destroyed && response.write(spaces));
    if (!response.destroyed) response.once("drain", more);
  };
  response.write(start);
  more();
}

async function drip(response: ServerResponse, body: Uint8Array, pace: { bytes: number; ms: number }): Promise<void> {
  for (let sent = 0; sent < body.length && !response.destroyed; sent += pace.bytes) {
    response.write(body.subarray(sent, sent + pace.bytes));
    await new Promise((resolve) => setTimeout(resolve, pace.ms));
  }
  response.end();
}

function endlessAnswer({ status, start = "", etag }: Extract<Fault, { kind: "endless" }>): Answer {
  const headers = { "Transfer-Encoding": "chunked", ...(etag === undefined ? {} : { ETag: etag }) };
  return { status, headers, body: Buffer.from(start) };
}

function faultyAnswer(fault: Extract<Fault, { kind: "answer" }>): Answer {
  const xml = document("Error", element("Code", fault.code ?? ""));
  const body = fault.body ?? (fault.code === undefined ? "" : xml);
  return {
    status: fault.status,
    headers: { "Content-Type": "application/xml", ...fault.headers },
    body: Buffer.from(body),
  };
}

function must(answer: Answer | undefined): Answer {
  if (answer === undefined) throw new Error("a request that took no effect has no answer");
  return answer;
}
