import { open } from "node:fs/promises";
import { dotenv, Home } from "../home.ts";
import { interleave } from "../interleave.ts";
import { REDACTED } from "../labels.ts";
import type { Row } from "../results.ts";
import type { World } from "../world.ts";

const SECRETS = 50;
/** Of every so many lines, one has a secret in it. */
const PIECE_LINES = 1_000;

/** A program's output through `run --redact`, with a scoped token, which derives no key. */
export async function measureRedact({ launcher, programs, scale, scratch }: World): Promise<readonly Row[]> {
  await using home = await Home.make(scratch);
  const secrets = dotenv(SECRETS);
  await home.write(".env.prod", secrets);
  await home.cli(["push", "prod", "--yes"]);
  const VSYNC_CONFIG = (await home.cli(["tokens", "create", "prod", "--expires=never"])).trim();
  const bytes = scale.redactedBytes;
  await writeLog(`${home.work}/log`, bytes, secrets.slice(0, secrets.indexOf("\n")));
  const candidates = programs.map((vsync) => {
    const program = home.program(vsync.argv, ["run", "--redact", "--", "/bin/cat", "log"], { VSYNC_CONFIG });
    return { head: { group: REDACTED, name: "log", program: vsync.name, bytes }, program: () => program };
  });
  return await interleave(launcher, candidates, scale.openRounds);
}

/** Lines of JSON, as a service logs them. */
async function writeLog(path: string, bytes: number, secret: string): Promise<void> {
  await using file = await open(path, "wx");
  for (let written = 0; written < bytes; ) {
    const lines = Array.from({ length: PIECE_LINES }, (_, at) =>
      JSON.stringify({
        time: written + at,
        level: "info",
        msg: "GET /health",
        path: `/users/${at}`,
        agent: "curl/8.5",
      }),
    );
    const piece = `${[...lines, secret].join("\n")}\n`;
    written += (await file.write(piece)).bytesWritten;
  }
}
