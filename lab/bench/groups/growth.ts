import { randomBytes } from "node:crypto";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { dotenv, Home, PASSPHRASE } from "../home.ts";
import { type Candidate, interleave } from "../interleave.ts";
import type { Row } from "../results.ts";
import type { Vsync, World } from "../world.ts";

const PUSH = "push to a directory";
const ROTATE = "rotate in a directory";
const OTHER_PASSPHRASE = "another horse battery staple";
const FEW = 10;

interface Size {
  readonly secrets?: number;
  readonly bytes?: number;
}

/** `vsync push` and `vsync rotate-passphrase` by size, with the first available program. Default KDF cost. */
export async function measureGrowth(world: World): Promise<readonly Row[]> {
  const { scale, launcher } = world;
  const [vsync] = world.programs;
  if (vsync === undefined) return [];
  const sizes: Size[] = [...scale.secrets.map((secrets) => ({ secrets })), ...scale.bytes.map((bytes) => ({ bytes }))];
  const rows: Row[] = [];
  for (const size of sizes) {
    world.say(`growth: ${size.secrets === undefined ? `${size.bytes} bytes` : `${size.secrets} secrets`}`);
    await using home = await Home.make(world.scratch);
    await writeEditions(home, size);
    rows.push(...(await interleave(launcher, [pushing(home, vsync, size)], scale.writeRounds)));
    rows.push(...(await interleave(launcher, [rotating(home, vsync, size)], scale.writeRounds)));
  }
  return rows;
}

/** Two sets with the same names and sizes and different values. */
export async function writeEditions(home: Home, { secrets = FEW, bytes }: Size): Promise<void> {
  for (const edition of [0, 1]) {
    await home.write(`${edition}.env`, dotenv(secrets, edition));
    if (bytes !== undefined) await home.write(`${edition}.bin`, randomBytes(bytes));
  }
}

/** Pushes one file again and again, as somebody does who edits it. */
function pushing(home: Home, vsync: Vsync, size: Size): Candidate {
  const head = { group: PUSH, name: "push", program: vsync.name, ...size };
  const program = (round: number) => {
    const edition = round % 2;
    const file = size.bytes === undefined ? [] : [`--file=data.bin=${edition}.bin`];
    copyFileSync(join(home.work, `${edition}.env`), join(home.work, ".env"));
    return home.program(vsync.argv, ["push", "prod", "--from=.env", "--yes", ...file]);
  };
  return { head, program };
}

/** Rotates forward in even rounds and back in odd ones. */
export function rotating(home: Home, vsync: Vsync, size: Size): Candidate {
  const head = { group: ROTATE, name: "rotate", program: vsync.name, ...size };
  const program = (round: number) => {
    const [old, next] = round % 2 === 0 ? [PASSPHRASE, OTHER_PASSPHRASE] : [OTHER_PASSPHRASE, PASSPHRASE];
    const env = { VSYNC_PASSPHRASE: old, VSYNC_NEW_PASSPHRASE: next };
    return home.program(vsync.argv, ["rotate-passphrase", "prod", "--yes"], env);
  };
  return { head, program };
}
