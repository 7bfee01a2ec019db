import { encodeToken } from "../../../src/blob/token.ts";
import { openDirectoryStore } from "../../../src/directory/directory-store.ts";
import { createDirectoryRoot } from "../../../src/directory/folders.ts";
import { createVault, PASSPHRASE } from "../../../test/support/vault-fixture.ts";
import { dotenv, Home } from "../home.ts";
import { type Candidate, interleave } from "../interleave.ts";
import { SCOPED } from "../labels.ts";
import type { Row } from "../results.ts";
import type { Vsync, World } from "../world.ts";
import { nodeControl } from "./start-up.ts";

const GROUP = "open a directory, exec true";
const SECRETS = 50;
const LEAST = "least KDF cost (8 MiB, 1 pass)";
const DEFAULT = "default KDF cost (64 MiB, 3 passes)";
const RUN_TRUE = ["run", "--", "/bin/true"];

/**
 * `vsync run -- true` by token: 50 secrets in a directory, at the default KDF cost, at the lowest that the format allows,
 * and with a scoped token, which needs none.
 */
export async function measureLocalOpen({ launcher, programs, scale, scratch }: World): Promise<readonly Row[]> {
  await using home = await Home.make(scratch);
  await home.write(".env.prod", dotenv(SECRETS));
  await home.cli(["push", "prod"]);
  const token = (await home.cli(["runtime-token", "--env=prod"])).trim();
  const scoped = (await home.cli(["tokens", "create", "prod", "--expires=never"])).trim();
  const cheap = await cheapVault(home.folder);
  const candidates = programs.flatMap((vsync) => [
    candidate(home, vsync, DEFAULT, { VSYNC_CONFIG: token }),
    candidate(home, vsync, SCOPED, { VSYNC_CONFIG: scoped }),
    candidate(home, vsync, LEAST, { VSYNC_CONFIG: cheap, VSYNC_PASSPHRASE: PASSPHRASE }),
  ]);
  return await interleave(launcher, [nodeControl(GROUP, home), ...candidates], scale.openRounds);
}

function candidate(home: Home, vsync: Vsync, name: string, env: Readonly<Record<string, string>>): Candidate {
  const program = home.program(vsync.argv, RUN_TRUE, env);
  return { head: { group: GROUP, name, program: vsync.name, secrets: SECRETS }, program: () => program };
}

/** The token of the vault. */
async function cheapVault(folder: string): Promise<string> {
  const location = { endpoint: `file://${folder}`, bucket: "cheap", prefix: "api/prod/" };
  const items = Array.from({ length: SECRETS }, (_, at) => ({ name: `SECRET_${at}`, data: "x".repeat(40) }));
  await createDirectoryRoot(location);
  const { tokenFields } = await createVault(openDirectoryStore(location), { items });
  return encodeToken({ ...location, ...tokenFields, region: "local", credentials: "ambient" });
}
