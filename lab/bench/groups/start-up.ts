import { Home } from "../home.ts";
import { type Candidate, CONTROL, interleave } from "../interleave.ts";
import type { Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import type { World } from "../world.ts";

const COMMANDS = [
  ["--version", ["--version"]],
  ["runtime-token --no-validate", ["runtime-token", "--env=prod", "--no-validate"]],
  ["runtime-token (one HEAD, 0 ms)", ["runtime-token", "--env=prod"]],
] as const;

/** `node -e 0`: the cost of an idle Node.js process. */
export function nodeControl(group: string, home: Home): Candidate {
  const program = home.program([process.execPath], ["-e", "0"]);
  return { head: { group, name: "node -e 0", program: CONTROL }, program: () => program };
}

/** Start-up and minting, without key derivation. */
export async function measureStartUp({ launcher, programs, scale, scratch }: World): Promise<readonly Row[]> {
  await using server = await S3Server.start();
  await using home = await Home.make(scratch, server.place);
  await home.write(".env.prod", "A=1\n");
  await home.cli(["push", "prod"]);
  const group = "start-up";
  const candidates = COMMANDS.flatMap(([name, args]) =>
    programs.map((vsync) => {
      const program = home.program(vsync.argv, args);
      return { head: { group, name, program: vsync.name }, program: () => program };
    }),
  );
  return await interleave(launcher, [nodeControl(group, home), ...candidates], scale.startRounds);
}
