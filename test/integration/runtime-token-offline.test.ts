import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configure, createVaultAt, OWN_KEY, openMachine, strictPlace, tokenIn } from "../support/program/s3-machine.ts";
import { programUnderTest, type Sandbox } from "../support/program/sandbox.ts";
import { type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";

const OFFLINE = ["runtime-token", "--env=prod", "--no-validate"];
const hasStrace = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;
const hasNamespaces = process.platform === "linux" && process.getuid?.() === 0;
const isScript = programUnderTest().length > 1;

let server: StrictS3;
beforeAll(async () => {
  server = await startStrictS3();
  await createVaultAt(strictPlace(server));
});
afterAll(() => server.close());

/** A machine whose programs run through `wrapper`, a line of shell that ends with "$0" "$@". */
async function machineWith(wrapper: string): Promise<Sandbox> {
  const sandbox = await openMachine(["/bin/sh", "-c", wrapper, ...programUnderTest()]);
  await configure(sandbox, strictPlace(server));
  return sandbox;
}

/** The program's network activity, by system call. Its own streams are files, so they do not count. */
async function networkCalls(args: readonly string[], env = {}): Promise<string[]> {
  const log = '"$TMPDIR/calls"';
  const trace = `strace -f -qq -e trace=network -o ${log} -- "$0" "$@" </dev/null >"$TMPDIR/out" 2>"$TMPDIR/err"`;
  await using sandbox = await machineWith(`${trace}; code=$?; cat "$TMPDIR/out"; cat "$TMPDIR/err" >&2; exit $code`);
  tokenIn(await sandbox.run(args, { env }));
  return (await readFile(join(sandbox.folder, "tmp", "calls"), "utf8")).split("\n").filter((line) => line !== "");
}

describe.skipIf(!hasStrace)("strace sees", () => {
  test("not one call to the network with --no-validate", async () => {
    expect(await networkCalls(OFFLINE)).toEqual([]);
  });

  test("nor a look at the platform's credential chain, with any settings", async () => {
    const env = { AWS_PROFILE: "other", AWS_EC2_METADATA_SERVICE_ENDPOINT: server.endpoint };
    expect(await networkCalls([...OFFLINE, "--ambient"], env)).toEqual([]);
    expect(await networkCalls([...OFFLINE, "--endpoint=https://s3.nothing.invalid"])).toEqual([]);
  });

  test("the calls of a validation, which shows that it would notice others", async () => {
    const port = new URL(server.endpoint).port;
    expect((await networkCalls(OFFLINE.slice(0, -1))).join("\n")).toMatch(
      new RegExp(`connect\\(\\d+, \\{sa_family=AF_INET, sin_port=htons\\(${port}\\)`),
    );
  });
});

test.skipIf(!hasNamespaces)("works on a machine without a network, not even a loopback", async () => {
  await using sandbox = await machineWith('exec unshare --net "$0" "$@"');
  expect(tokenIn(await sandbox.run(OFFLINE))).toMatchObject({ bucket: "strict", minGen: 1 });
  expect(await sandbox.run(OFFLINE.slice(0, -1))).toMatchObject({ stdout: "", exitCode: 3 });
});

test("asks nothing of the store, and for no passphrase", async () => {
  await using sandbox = await openMachine();
  await configure(sandbox, strictPlace(server));
  server.log.length = 0;
  const { stderr, ...transcript } = await sandbox.run(OFFLINE);
  expect(stderr.replace(OWN_KEY, "")).toBe("");
  const offline = tokenIn({ ...transcript, stderr });
  expect(server.log).toEqual([]);
  expect(tokenIn(await sandbox.run(OFFLINE.slice(0, -1)))).toEqual(offline);
});

/** Records every module's address as it is loaded. */
const RECORDER = `import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
registerHooks({
  load(url, context, next) {
    appendFileSync(process.env.LOADED, url + "\\n");
    return next(url, context);
  },
});
`;

test.runIf(isScript)("loads no part that goes to the network", async () => {
  await using sandbox = await openMachine();
  await configure(sandbox, strictPlace(server));
  const recorder = await sandbox.write("work/recorder.mjs", RECORDER);
  const loadedBy = async (args: readonly string[]): Promise<string> => {
    const list = await sandbox.write("work/loaded", "");
    tokenIn(await sandbox.run(args, { env: { NODE_OPTIONS: `--import=${recorder}`, LOADED: list } }));
    return readFile(list, "utf8");
  };
  const offline = await loadedBy(OFFLINE);
  expect(offline).toMatch(/\/program\/runtime-token-\S+\.cjs\n/);
  expect(offline).not.toMatch(/\/connection-\S+\n|node:(dns|http|https|http2|net|tls)\n/);
  const bundles = offline.split("\n").filter((url) => url.endsWith(".cjs"));
  const texts = await Promise.all(bundles.map((url) => readFile(new URL(url), "utf8")));
  expect(texts.join("\n")).not.toMatch(/AwsClient|AWS_SDK_UA_APP_ID|SignatureV4/);
  expect(await loadedBy(OFFLINE.slice(0, -1))).toMatch(/\/program\/connection-\S+\.cjs\n/);
});
