import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import type { Started } from "./app.ts";
import { startContainer } from "./container.ts";

/** Loads the handler and asks for one event after another, for ever, like AWS's runtime. */
const BOOTSTRAP = `
  const api = "http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2018-06-01/runtime/";
  const [file, name] = process.env._HANDLER.split(".");
  const { default: common, ...exported } = await import(process.env.LAMBDA_TASK_ROOT + "/" + file + (process.argv[2] ?? ".mjs"));
  const handler = exported[name] ?? common[name];
  for (;;) {
    const next = await fetch(api + "invocation/next");
    const id = next.headers.get("lambda-runtime-aws-request-id");
    process.env._X_AMZN_TRACE_ID = next.headers.get("lambda-runtime-trace-id");
    const event = await next.json();
    const body = await handler(event).then(JSON.stringify, (error) => JSON.stringify({ errorType: error.code }));
    await fetch(api + "invocation/" + id + "/response", { method: "POST", body });
  }
`;

export interface LambdaOptions {
  /** `index.mjs` or `index.cjs`, exporting `handler`. */
  readonly files: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** The function's `/tmp`. */
  readonly tmp: string;
}

/** One execution environment of a function: read-only files, a writable `/tmp`, frozen between events. */
export class Lambda {
  readonly #api = new RuntimeApi();
  #process: Started | undefined;
  #count = 0;

  async start({ files, env, tmp }: LambdaOptions): Promise<void> {
    const given = {
      _HANDLER: "index.handler",
      HOME: "/home/sbx_user1051",
      AWS_LAMBDA_FUNCTION_NAME: "orders",
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_RUNTIME_API: await this.#api.listen(),
      AWS_REGION: "eu-central-1",
      LAMBDA_TASK_ROOT: "/var/task",
      NODE_PATH: "/opt/nodejs/node_modules",
      TZ: ":UTC",
      ...env,
    };
    const extension = "index.cjs" in files ? ".cjs" : ".mjs";
    const placed = Object.entries(files).map(([name, content]) => [`/var/task/${name}`, content]);
    this.#process = await startContainer({
      files: { ...Object.fromEntries(placed), "/var/runtime/index.mjs": BOOTSTRAP },
      workdir: "/var/task",
      env: given,
      args: ["/var/runtime/index.mjs", extension],
      uid: 993,
      tmp,
      hasSharedMemory: false,
    });
  }

  /** Thaws the environment for one event and freezes it again after the response. */
  async invoke(event: object): Promise<unknown> {
    const started = this.#process;
    if (started === undefined) throw new Error("start the function first");
    started.kill("SIGCONT");
    const ended = started.ended.then(({ stderr }) => Promise.reject(new Error(`the function ended: ${stderr}`)));
    const answer = await Promise.race([this.#api.answerTo(`request-${++this.#count}`, event), ended]);
    started.kill("SIGSTOP");
    return answer;
  }

  /** Its log, after the platform has ended the environment. */
  async stop(): Promise<string> {
    this.#process?.kill("SIGKILL");
    const ended = await this.#process?.ended;
    return `${ended?.stdout}${ended?.stderr}`;
  }
}

interface Invocation {
  readonly id: string;
  readonly event: object;
  readonly answered: (body: unknown) => void;
}

/** The HTTP interface between the platform and a runtime: `next` waits for an event, `response` answers it. */
class RuntimeApi {
  readonly #queue: Invocation[] = [];
  readonly #asked: ServerResponse[] = [];
  readonly #running = new Map<string, Invocation>();

  async listen(): Promise<string> {
    const server = createServer((request, response) => void this.#serve(request, response));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  answerTo(id: string, event: object): Promise<unknown> {
    return new Promise((answered) => {
      this.#queue.push({ id, event, answered });
      this.#deliver();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET") {
      this.#asked.push(response);
      return this.#deliver();
    }
    const [, id = ""] = /invocation\/([^/]+)\/response$/.exec(request.url ?? "") ?? [];
    const body: unknown = JSON.parse(await text(request));
    response.writeHead(202).end(() => this.#running.get(id)?.answered(body));
  }

  #deliver(): void {
    if (this.#queue.length === 0 || this.#asked.length === 0) return;
    const [invocation, response] = [this.#queue.shift(), this.#asked.shift()];
    if (invocation === undefined || response === undefined) return;
    this.#running.set(invocation.id, invocation);
    const headers = { "lambda-runtime-aws-request-id": invocation.id, "lambda-runtime-trace-id": "Root=1-5759e988" };
    response.writeHead(200, headers).end(JSON.stringify(invocation.event));
  }
}
