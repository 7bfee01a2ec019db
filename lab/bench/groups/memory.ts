import { Home } from "../home.ts";
import { type Candidate, interleave } from "../interleave.ts";
import type { Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import type { Vsync, World } from "../world.ts";
import { rotating, writeEditions } from "./growth.ts";

const MEMORY = "peak memory over S3";
const TINY = 1;

/** Peak memory of `get` (opens) and `rotate-passphrase` over S3: with the largest file, and with one byte as the floor. */
export async function measureMemory({ launcher, programs, scale, scratch }: World): Promise<readonly Row[]> {
  await using server = await S3Server.start();
  const rows: Row[] = [];
  for (const bytes of [TINY, Math.max(...scale.bytes)]) {
    for (const vsync of programs) {
      await using home = await Home.make(scratch, server.place);
      await writeEditions(home, { bytes });
      await home.cli(["push", "prod", "--from=0.env", "--file=data.bin=0.bin"]);
      const rotate = rotating(home, vsync, { bytes });
      const rotation = { ...rotate, head: { ...rotate.head, group: MEMORY } };
      rows.push(...(await interleave(launcher, [opening(home, vsync, bytes)], scale.writeRounds)));
      rows.push(...(await interleave(launcher, [rotation], scale.writeRounds)));
    }
  }
  return rows;
}

function opening(home: Home, vsync: Vsync, bytes: number): Candidate {
  const program = home.program(vsync.argv, ["get", "prod", "SECRET_00000"]);
  return { head: { group: MEMORY, name: "open", program: vsync.name, bytes }, program: () => program };
}
