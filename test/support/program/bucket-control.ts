import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Fault } from "../strict-s3/faults.ts";
import type { StrictS3 } from "../strict-s3/server.ts";
import type { BucketTerms } from "../strict-s3/terms.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * The command `s3` of a script, with which somebody else looks into its bucket and disturbs it. A key may have `*`.
 *
 *     s3 ls                              the keys
 *     s3 rm KEY, s3 put KEY TEXT         remove objects, write one
 *     s3 keep KEY, s3 back KEY           remember an object as it is now, put it back
 *     s3 log                             the requests since the last look
 *     s3 agents                          the same, by what their User-Agent says of a token
 *     s3 refuse METHOD KEY STATUS CODE   answer all such requests with this error
 *     …, after N                         but for the first N
 *     s3 lose METHOD KEY                 carry out all such requests, and answer none
 *     s3 mend                            no more of both
 *     s3 ignore HEADER                   take no notice of this precondition: if-match, if-none-match
 *     s3 wants NAME [VALUE]              refuse requests that do not agree: requesterPays, kmsKey KEY, bucketKey
 *     s3 stop                            close the server
 */
export async function startBucketControl(
  server: StrictS3,
  { ignores, terms }: { readonly ignores: string[]; readonly terms: BucketTerms },
  sandbox: Sandbox,
): Promise<AsyncDisposable> {
  const verbs: Readonly<Record<string, Verb>> = {
    ...verbsOf(server),
    ignore: (header = "") => void ignores.push(header),
    wants: (name = "", value) => void Object.assign(terms, { [name]: value ?? true }),
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [verb = "", ...words] = new URL(request.url ?? "", "http://x").searchParams.getAll("word");
    const lines = await verbs[verb]?.(...words);
    response
      .writeHead(verb in verbs ? 200 : 404, { connection: "close" })
      .end((lines ?? []).map((it) => `${it}\n`).join(""));
  };
  const control = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => void control.listen(0, "127.0.0.1", resolve));
  const { port } = control.address() as { port: number };
  const client = `#!/bin/sh
for word; do set -- "$@" --data-urlencode "word=$word"; shift; done
exec curl --silent --fail --noproxy '*' --get "$@" http://127.0.0.1:${port}/
`;
  await sandbox.write("bin/s3", client, 0o700);
  return {
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => control.close(resolve));
    },
  };
}

function patternOf(key: string): RegExp {
  return new RegExp(`^${key.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
}

function raise(key: string): never {
  throw new Error(`no object ${key}`);
}

type Verb = (...words: string[]) => string[] | void | Promise<void>;

function verbsOf(server: StrictS3): Readonly<Record<string, Verb>> {
  const bucket = server.buckets.get("strict") ?? new Map();
  const kept = new Map<string, NonNullable<ReturnType<typeof bucket.get>>>();
  const matching = (key: string): string[] => [...bucket.keys()].filter((it) => patternOf(key).test(it));
  const always = (method: string, key: string, fault: Fault, passes = 0): void =>
    server.faults.add({ method, key: patternOf(key) }, fault, Number.POSITIVE_INFINITY, passes);
  return {
    ls: () => [...bucket.keys()].toSorted((a, b) => (a < b ? -1 : 1)),
    rm: (key = "") => matching(key).forEach((it) => bucket.delete(it)),
    put: (key = "", text = "") => void bucket.set(key, { bytes: Buffer.from(text), etag: `"${text}"`, modifiedMs: 0 }),
    keep: (key = "") => matching(key).forEach((it) => kept.set(it, bucket.get(it) ?? raise(it))),
    back: (key = "") => void bucket.set(key, kept.get(key) ?? raise(key)),
    log: () => server.log.splice(0).map((it) => `${it.method} ${it.key === "" ? `?${it.query}` : it.key}`),
    agents: () =>
      server.log
        .splice(0)
        .map(({ method, headers }) => `${method} ${/vsync-token\S*/.exec(String(headers["user-agent"]))?.[0] ?? "-"}`),
    refuse: (method = "", key = "", status = "", code = "", _after = "after", passes = "0") =>
      always(method, key, { kind: "answer", apply: false, status: Number(status), code }, Number(passes)),
    lose: (method = "", key = "") => always(method, key, { kind: "drop", apply: true }),
    mend: () => server.faults.clear(),
    stop: () => server.close(),
  };
}
