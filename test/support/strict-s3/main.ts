import { ROOT, startStrictS3 } from "./server.ts";
import { type Action, type User } from "./users.ts";

/**
 * The strict S3 server as a program. Prints one line of JSON, `{endpoint, region, bucket, root, reader}`, and runs until
 * its stdin ends. `--ignore-preconditions` and `--unquoted-if-match` make it one of the servers that have those quirks.
 */

const READ: readonly Action[] = ["s3:GetObject"];
const reader: User = { accessKeyId: "READERKEY", secretAccessKey: "reader/secret+key", grants: [{ actions: READ }] };

const server = await startStrictS3({
  users: [ROOT, reader],
  ignores: process.argv.includes("--ignore-preconditions") ? ["if-match", "if-none-match"] : [],
  unquotedIfMatch: process.argv.includes("--unquoted-if-match"),
});
const { endpoint, region } = server;
process.stdout.write(`${JSON.stringify({ endpoint, region, bucket: "strict", root: ROOT, reader })}\n`);
process.stdin.resume().once("end", () => void server.close());
