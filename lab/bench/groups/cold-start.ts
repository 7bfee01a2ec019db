import { join } from "node:path";
import { Home } from "../home.ts";
import { interleave } from "../interleave.ts";
import { COLD_START, OPEN_SCOPED } from "../labels.ts";
import { Library } from "../library.ts";
import type { Row } from "../results.ts";
import { S3Server } from "../s3-server.ts";
import { scopedVaultAt, secretsOf } from "../s3-vault.ts";
import type { World } from "../world.ts";
import { nodeControl } from "./start-up.ts";

const SECRETS = 50;
const LIBRARY = join(import.meta.dirname, "../../..", "dist/library/index.js");
const APP = `
  import { Vsync } from ${JSON.stringify(LIBRARY)};
  const vault = await Vsync.open();
  await vault.close();
`;

/** A new Node.js process that loads the built library, opens a vault over S3 with a scoped token, and ends. */
export async function measureColdStart({ launcher, scale, scratch }: World): Promise<readonly Row[]> {
  await using servers = new AsyncDisposableStack();
  await using library = new Library();
  await using home = await Home.make(scratch);
  await home.write("app.mjs", APP);
  const candidates = [nodeControl(COLD_START, home)];
  const trips: Row[] = [];
  for (const roundTripMs of scale.roundTripsMs.slice(0, 2)) {
    const server = servers.use(await S3Server.start());
    const token = await scopedVaultAt(server.place, "scoped/prod/", secretsOf(SECRETS));
    await server.setLatency(roundTripMs);
    const program = home.program([process.execPath], ["app.mjs"], { VSYNC_CONFIG: token });
    const head = { group: COLD_START, program: "library", roundTripMs, secrets: SECRETS };
    candidates.push({ head: { ...head, name: OPEN_SCOPED }, program: () => program });
    const job = { do: "round-trip", token, passphrase: "" } as const;
    trips.push(
      ...(await library.interleave([{ head: { ...head, name: "round-trip" }, job: () => job }], scale.openRounds)),
    );
  }
  return [...(await interleave(launcher, candidates, scale.startRounds)), ...trips];
}
