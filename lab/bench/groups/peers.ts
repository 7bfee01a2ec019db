import { dotenv, Home } from "../home.ts";
import { type Candidate, interleave } from "../interleave.ts";
import { PEERS, type PeerPlan } from "../peers.ts";
import type { Peer, Row } from "../results.ts";
import type { World } from "../world.ts";
import { rotating } from "./growth.ts";
import { nodeControl } from "./start-up.ts";

const GROUPS = { read: "read 50 secrets for one process", change: "change the passphrase" } as const;
const DERIVATION = "Argon2id, 64 MiB and 3 passes";

/** Other tools beside vsync; each row describes its work. Tools that this machine cannot run are listed with the reason. */
export async function measurePeers(world: World): Promise<{ rows: readonly Row[]; peers: readonly Peer[] }> {
  if (!world.scale.withPeers) return { rows: [], peers: [] };
  await using home = await Home.make(world.scratch);
  await home.write(".env.prod", dotenv(50));
  await home.cli(["push", "prod"]);
  const { candidates, peers } = await setUpAll(world);
  const read = [nodeControl(GROUPS.read, home), ...reading(world, home), ...candidates.read];
  const change = [nodeControl(GROUPS.change, home), ...changing(world, home), ...candidates.change];
  const rows = [
    ...(await interleave(world.launcher, read, world.scale.writeRounds)),
    ...(await interleave(world.launcher, change, world.scale.writeRounds)),
  ];
  return { rows, peers };
}

async function setUpAll({ scratch, say }: World) {
  const candidates: Record<PeerPlan["compares"], Candidate[]> = { read: [], change: [] };
  const peers: Peer[] = [];
  for (const { name, compares, setUp } of PEERS) {
    try {
      const { version, does, program } = await setUp(scratch);
      candidates[compares].push({ head: { group: GROUPS[compares], name: does, program: name }, program });
      if (!peers.some((peer) => peer.name === name)) peers.push({ name, version });
    } catch (error) {
      const [reason = ""] = (error as Error).message.split("\n");
      say(`no row of ${name}: ${reason}`);
      if (!peers.some((peer) => peer.name === name))
        peers.push({ name, version: null, missing: "it could not be fetched or set up" });
    }
  }
  return { candidates, peers };
}

function reading({ programs }: World, home: Home): Candidate[] {
  const name = `opens a vault of 50 secrets in a directory, checks signature and digest, runs \`true\`; ${DERIVATION}`;
  return programs.map((vsync) => {
    const program = home.program(vsync.argv, ["run", "prod", "--", "/bin/true"]);
    return { head: { group: GROUPS.read, name, program: `vsync (${vsync.name})` }, program: () => program };
  });
}

function changing({ programs }: World, home: Home): Candidate[] {
  const name = `\`rotate-passphrase\`: seals all 50 secrets afresh under new keys, and an audit row; ${DERIVATION}, twice`;
  const [vsync] = programs;
  if (vsync === undefined) return [];
  const { program } = rotating(home, vsync, { secrets: 50 });
  return [
    { head: { group: GROUPS.change, name, program: `vsync (${vsync.name})` }, program: (round) => program(round) },
  ];
}
