import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { decodeToken } from "../../src/blob/token.ts";
import { RUNTIMES, runtimePath } from "../support/runtimes.ts";

const DIST = join(import.meta.dirname, "..", "..", "dist");
/** Given a token in argv, prints its fields and the token that this runtime makes of them. */
const SCRIPT = `
const { decodeToken, encodeToken } = await import(${JSON.stringify(join(DIST, "blob/token.js"))});
const fields = decodeToken(process.argv.at(-1));
process.stdout.write(JSON.stringify({ fields, token: encodeToken(fields) }));
`;

const FIELDS = {
  v: 1,
  endpoint: "https://s3.eu-central-1.amazonaws.com",
  region: "eu-central-1",
  bucket: "acme-secrets",
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  prefix: "caf\u00e9/prod/",
  env: "prod",
  salt: "AAECAwQFBgcICQoLDA0ODw==",
  iterations: 3,
  kdf: "argon2id",
  memoryKiB: 65536,
  parallelism: 4,
  vault: "EBESExQVFhcYGRobHB0eHw",
  minGen: 7,
} as const;

interface Minted {
  readonly fields: unknown;
  readonly token: string;
}

async function mintUnder(program: string, token: string): Promise<Minted> {
  const name = program.endsWith("bun")
    ? ["-e", SCRIPT, "--", token]
    : ["--input-type=module", "-e", SCRIPT, "--", token];
  const { stdout } = await promisify(execFile)(program, name);
  return JSON.parse(stdout) as Minted;
}

test("a token minted under any runtime decodes to the same fields under every other, and starts alike", async () => {
  const { encodeToken } = await import("../../src/blob/token.ts");
  const programs = await Promise.all(RUNTIMES.map(async (name) => [name, await runtimePath(name)] as const));
  const own = encodeToken(FIELDS);
  const minted = await Promise.all(
    programs.map(async ([name, program]) => [name, await mintUnder(program, own)] as const),
  );
  for (const [name, { fields, token }] of minted) {
    expect(fields, name).toEqual(FIELDS);
    expect(decodeToken(token), name).toEqual(FIELDS);
    expect(token.slice(0, 26), name).toBe("vsync-cfg-v1:H4sIAAAAAAAAA");
  }
  for (const [reader, program] of programs) {
    for (const [writer, { token }] of minted) {
      expect((await mintUnder(program, token)).fields, `${writer} read by ${reader}`).toEqual(FIELDS);
    }
  }
}, 300_000);
