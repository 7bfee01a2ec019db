import { chmod } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createBucket, putBucketPolicy, type S3Keys } from "../support/ceph/target.ts";
import {
  configOn,
  configure,
  createVaultAt,
  openMachine,
  type Place,
  randomName,
  realServer,
  strictPlace,
  tokenIn,
} from "../support/program/s3-machine.ts";
import type { Sandbox, Transcript } from "../support/program/sandbox.ts";
import { ROOT, type StrictS3, startStrictS3 } from "../support/strict-s3/server.ts";

/** Where the tables of the contract are gone through: a bucket that holds a vault below `api/prod/`, and three users. */
interface Stage {
  readonly place: Place;
  /** May do everything, hence list. */
  readonly owner: S3Keys;
  /** May get objects. */
  readonly reader: S3Keys;
  /** May get nothing below `elsewhere/`. */
  readonly stranger: S3Keys;
}

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await openMachine();
});
afterEach(() => sandbox[Symbol.asyncDispose]());

const mint = async (...args: readonly string[]): Promise<Transcript> =>
  sandbox.tidy(await sandbox.run(["runtime-token", "--env=prod", ...args]));
const as = ({ accessKeyId, secretAccessKey }: S3Keys): string[] => [
  `--access-key=${accessKeyId}`,
  `--secret-key=${secretAccessKey}`,
];
const ARGV =
  "vsync: warning: other users of this machine can see --secret-key while the command runs: " +
  "prefer --secret-key-file\n";

/** Exit 2, to the letter. */
function refused(place: Place, prefix: string, argv = ARGV): Transcript {
  const objects = ["manifest", "v=*"].map((key) => `"arn:aws:s3:::${place.bucket}/${prefix}${key}"`).join(",");
  const statement = `{"Sid":"VsyncRead","Effect":"Allow","Action":["s3:GetObject"],"Resource":[${objects}]}`;
  return {
    stdout: "",
    stderr: `${argv}vsync: error: credentials accepted by S3 but cannot read ${prefix}manifest
vsync: hint: they may not read it, or it is not there yet and they may not list the bucket (a wrong secret key looks the same): allow them ${statement}, and run vsync push prod if nothing was pushed yet
`,
    exitCode: 2,
  };
}

function everyOutcome(stage: () => Stage): void {
  beforeEach(() => configure(sandbox, stage().place).then(() => undefined));

  test("200: emitted, 0", async () => {
    const { place, reader } = stage();
    const transcript = await mint(...as(reader));
    expect(transcript.stderr).toBe(ARGV);
    const { accessKeyId, secretAccessKey } = reader;
    expect(tokenIn(transcript)).toMatchObject({ endpoint: place.endpoint, accessKeyId, secretAccessKey, minGen: 1 });
  });

  test("404: a warning, emitted all the same, 0", async () => {
    const { place } = stage();
    const transcript = await mint("--prefix=api/none/");
    expect(transcript.stderr).toBe(
      `vsync: warning: there is no api/none/manifest in ${place.bucket} yet: run vsync push prod before booting apps\n`,
    );
    expect(tokenIn(transcript)).toMatchObject({ prefix: "api/none/" });
  });

  describe("fails, with nothing on stdout, and writes nothing", () => {
    test("403: 2, and the hint has the missing statement", async () => {
      const { place, stranger } = stage();
      const before = await sandbox.snapshot();
      expect(await mint(...as(stranger), "--prefix=elsewhere/")).toEqual(refused(place, "elsewhere/"));
      expect(await sandbox.snapshot()).toEqual(before);
    });

    test("403 of a reader who may not list, for a manifest that is not there: 2", async () => {
      const { place, reader } = stage();
      expect(await mint(...as(reader), "--prefix=api/none/")).toEqual(refused(place, "api/none/"));
    });

    test("403 of a wrong secret key, or of a key that nobody knows: 2", async () => {
      const { place, owner } = stage();
      const wrong = { ...owner, secretAccessKey: "planted-secret-key" };
      expect(await mint(...as(wrong))).toEqual(refused(place, "api/prod/"));
      const unknown = { ...wrong, accessKeyId: "NOBODYNOBODYNOBODY00" };
      expect(await mint(...as(unknown))).toEqual(refused(place, "api/prod/"));
    });
  });
}

describe("on the strict server", () => {
  const reader = { accessKeyId: "READERKEY", secretAccessKey: "reader/secret+key" };
  const users = [
    ROOT,
    { ...reader, grants: [{ actions: ["s3:GetObject" as const], prefix: "api/" }] },
    { accessKeyId: "STRANGERKEY", secretAccessKey: "stranger/secret", grants: [] },
  ];
  let server: StrictS3;
  let place: Place;
  beforeAll(async () => {
    server = await startStrictS3({ users });
    place = strictPlace(server);
    await createVaultAt(place);
  });
  afterAll(() => server.close());

  everyOutcome(() => ({ place, owner: ROOT, reader, stranger: users[2] ?? ROOT }));

  test("304 of a cache: emitted, 0", async () => {
    server.faults.add({ method: "HEAD" }, { kind: "answer", apply: false, status: 304 });
    const transcript = await mint();
    expect(transcript.stderr).toBe("");
    expect(tokenIn(transcript)).toMatchObject({ accessKeyId: "ROOTKEY" });
  });

  test("200 without an ETag: emitted, 0", async () => {
    server.faults.add({ method: "HEAD" }, { kind: "answer", apply: false, status: 200 });
    expect(tokenIn(await mint())).toMatchObject({ accessKeyId: "ROOTKEY" });
  });

  test("401: 2", async () => {
    server.faults.add({ method: "HEAD" }, { kind: "answer", apply: false, status: 401 });
    expect(await mint()).toEqual(refused(place, "api/prod/", ""));
  });

  test("403, and the clocks are apart: 2, and the hint has both times", async () => {
    const hour = 3_600_000;
    const nowMs = () => Date.parse("2030-01-01T00:00:00Z") + (Date.now() % hour);
    await using late = { ...(await startStrictS3({ nowMs })), [Symbol.asyncDispose]: () => late.close() };
    const { stdout, stderr, exitCode } = await mint(`--endpoint=${late.endpoint}`);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toMatch(
      /^vsync: error: credentials accepted by S3 but cannot read api\/prod\/manifest\nvsync: hint: this machine's clock says 20\S+Z, the server's 20\S+Z: set this machine's clock\n$/,
    );
  });

  test.each([500, 502, 503, 504])("%i: 3, after one request", async (status) => {
    server.log.length = 0;
    server.faults.add({ method: "HEAD" }, { kind: "answer", apply: false, status }, 9);
    const transcript = await mint();
    server.faults.clear();
    expect(transcript).toEqual({
      stdout: "",
      stderr: `vsync: error: cannot read s3://strict/api/prod/manifest: ${new URL(place.endpoint).host} answered ${status}
vsync: hint: try again later
`,
      exitCode: 3,
    });
    expect(server.log.filter(({ method }) => method === "HEAD")).toHaveLength(1);
  });

  beforeEach(() => configure(sandbox, place).then(() => server.faults.clear()));
});

const { isThere, target, reader: user } = realServer();
describe.skipIf(!isThere)("on a real S3 server", () => {
  let place: Place;
  beforeAll(async () => {
    const bucket = await createBucket(target, randomName("vsync-token"));
    place = { ...target, bucket };
    const resource = [`arn:aws:s3:::${bucket}/api/*`];
    const principal = { AWS: [user.arn] };
    await putBucketPolicy(target, bucket, [
      { Effect: "Allow", Action: ["s3:GetObject"], Resource: resource, Principal: principal },
    ]);
    await createVaultAt(place);
  });

  everyOutcome(() => ({ place, owner: target, reader: user, stranger: user }));
});

describe("before any request", () => {
  const unused: Place = {
    endpoint: "http://127.0.0.1:1",
    region: "us-east-1",
    bucket: "b",
    accessKeyId: "K",
    secretAccessKey: "planted-secret-key",
  };

  test("no config: 4", async () => {
    const before = await sandbox.snapshot();
    expect(await mint()).toEqual({
      stdout: "",
      stderr: `vsync: error: this machine has no config for env prod of api: <home>/.config/vsync/api/prod.json is not there
vsync: hint: run vsync init --env=prod
`,
      exitCode: 4,
    });
    expect(await mint("--json", "--no-validate")).toMatchObject({ stdout: "", exitCode: 4 });
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("a config that cannot be used counts as none: 4", async () => {
    await sandbox.write("home/.config/vsync/api/prod.json", '{\n  "format": "vsync-config-v1",\n  "repo": oops\n}');
    const before = await sandbox.snapshot();
    expect(await mint()).toEqual({
      stdout: "",
      stderr: `vsync: error: <home>/.config/vsync/api/prod.json is not JSON: line 3, column 11
vsync: hint: correct it, or move it away and run vsync init again
`,
      exitCode: 4,
    });
    expect(await sandbox.snapshot()).toEqual(before);
  });

  test("a config that others can change: 4", async () => {
    const { env, repo } = await configure(sandbox, unused, { vault: "AAECAwQFBgcICQoLDA0ODw" });
    await chmod(`${sandbox.configFolder}/${repo}/${env}.json`, 0o666);
    const { stdout, stderr, exitCode } = await mint();
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 4 });
    expect(stderr).toMatch(/^vsync: error: \S+prod\.json can be changed by other users \(mode 0666\)\nvsync: hint: /);
  });

  test("no --env: 1", async () => {
    expect(await sandbox.run(["runtime-token"])).toEqual({
      stdout: "",
      stderr: "vsync: error: missing --env\nvsync: hint: name the environment with --env=<env>\n",
      exitCode: 1,
    });
  });

  test("no credentials and no terminal: 1, and every way to give them", async () => {
    await configure(sandbox, unused, { credentials: "ambient", vault: "AAECAwQFBgcICQoLDA0ODw" });
    const expected = {
      stdout: "",
      stderr: `vsync: error: missing the credentials
vsync: hint: give --access-key (or VSYNC_ACCESS_KEY) with --secret-key-file=<file> (- is stdin), VSYNC_SECRET_KEY_FILE, VSYNC_SECRET_KEY or --secret-key; or --ambient, for the platform's own chain; or run this on a terminal
`,
      exitCode: 1,
    };
    for (const more of [[], ["--no-validate"], ["--json"]]) expect(await mint(...more)).toEqual(expected);
    expect((await configOn(sandbox)).credentials).toBe("ambient");
  });

  test("a flag that there is not: 1", async () => {
    expect(await mint("--acces-key=planted-secret-key")).toEqual({
      stdout: "",
      stderr: "vsync: error: unknown flag --acces-key\nvsync: hint: did you mean --access-key?\n",
      exitCode: 1,
    });
  });
});
