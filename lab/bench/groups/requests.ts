import { dotenv, Home } from "../home.ts";
import type { RequestCount } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import type { World } from "../world.ts";

const NEW = { VSYNC_NEW_PASSPHRASE: "another horse battery staple" };
const OPERATIONS: readonly (readonly [string, readonly string[], Record<string, string>?])[] = [
  ["mint (`runtime-token --no-validate`)", ["runtime-token", "--env=prod", "--no-validate"]],
  ["mint (`runtime-token`)", ["runtime-token", "--env=prod"]],
  ["first push", ["push", "prod"]],
  ["open (`run`, `get`, `pull`, `Vsync.open()`)", ["get", "prod", "SECRET_00000"]],
  ["set", ["set", "prod", "SECRET_00000", "--from-file=value"]],
  ["rotate", ["rotate-passphrase", "prod", "--yes"], NEW],
];

/** The requests of each command, as the server counts them. */
export async function countRequests({ scratch }: World): Promise<readonly RequestCount[]> {
  await using server = await S3Server.start();
  await using home = await Home.make(scratch, server.place);
  await home.write(".env.prod", dotenv(10));
  await home.write("value", "a new value");
  const counts: RequestCount[] = [];
  for (const [operation, args, env] of OPERATIONS) {
    await server.count();
    await home.cli(args, env);
    counts.push({ operation, requests: (await server.count()).requests });
  }
  return counts;
}
