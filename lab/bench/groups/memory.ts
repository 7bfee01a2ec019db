import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { Home } from "../home.ts";
import { type Candidate, interleave } from "../interleave.ts";
import { IDLE, OPEN_SCOPED, SCOPED_MEMORY } from "../labels.ts";
import type { Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import { scopedVaultAt } from "../s3-vault.ts";
import { medianOf, seriesOf } from "../series.ts";
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
  rows.push(...(await scopedMemory(server, scale)));
  return rows;
}

/**
 * A process that has loaded the library, and one that opens a vault of one file with a scoped token. Without the pages of
 * Node.js itself (`RssFile`), which the kernel takes back when it must.
 */
async function scopedMemory(server: S3Server, { bytes, writeRounds }: World["scale"]): Promise<readonly Row[]> {
  const rows = [await libraryRow({ name: IDLE }, "", writeRounds)];
  for (const size of [TINY, ...bytes.slice(0, -1)]) {
    const file = { name: "data.bin", kind: "file", mode: 0o600, data: randomBytes(size) } as const;
    const token = await scopedVaultAt(server.place, `scoped/${size}/`, [file]);
    rows.push(await libraryRow({ name: OPEN_SCOPED, bytes: size }, token, writeRounds));
  }
  return rows;
}

async function libraryRow(head: Pick<Row, "name" | "bytes">, token: string, rounds: number): Promise<Row> {
  const runs: { readonly ms: number; readonly peakMiB: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const { stdout } = await promisify(execFile)(process.execPath, [OPENING], { env: { VSYNC_CONFIG: token } });
    runs.push(JSON.parse(stdout));
  }
  const peakMiB = medianOf(runs.map((run) => run.peakMiB));
  return { group: SCOPED_MEMORY, program: "library", ...head, wallMs: seriesOf(runs.map(({ ms }) => ms)), peakMiB };
}

const OPENING = join(import.meta.dirname, "../opening-process.mjs");

function opening(home: Home, vsync: Vsync, bytes: number): Candidate {
  const program = home.program(vsync.argv, ["get", "prod", "SECRET_00000"]);
  return { head: { group: MEMORY, name: "open", program: vsync.name, bytes }, program: () => program };
}
